"""The product's source as syntax trees."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TOP = Path(__file__).parent.parent.parent


@cache
def modules() -> dict[str, ast.Module]:
    """Each module of the product by its path, such as `app/main.py`."""
    return {
        str(path.relative_to(TOP)): ast.parse(path.read_text("utf-8")) for path in sorted((TOP / "app").rglob("*.py"))
    }


def calls(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Where a function of the name is called, by that name or as a member of something."""
    for path, module in modules().items():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == name:
                yield path, node


def imports(path: str) -> set[str]:
    """What a module imports, as `package.name`."""
    found = set()
    for node in ast.walk(modules()[path]):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found
