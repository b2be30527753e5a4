"""Which test meets which code of the catalogue, on each transport: read from the markers of the tests.

`python -m tests.catalogue_table` prints it. That a marked test does meet its codes is seen to while it runs
(`tests.refusals`), so what stands here is true whenever the tests are green.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.domain.catalogue import CATALOGUE

TESTS = Path(__file__).parent
TRANSPORTS = ("rest", "graphql")
CodesMet = dict[tuple[str, str], list[str]]


@cache
def codes_met() -> CodesMet:
    """The names of the tests by code and transport."""
    found: CodesMet = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, codes, transports in _marks(ast.parse(path.read_text("utf-8"))):
            for code in codes:
                for transport in transports:
                    found[code, transport].append(f"{path.relative_to(TESTS.parent)}::{name}")
    return found


def _marks(module: ast.Module) -> Iterator[tuple[str, list[str], tuple[str, ...]]]:
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.raises_codes":
                    codes = [ast.literal_eval(argument) for argument in mark.args]
                    on = {word.arg: ast.literal_eval(word.value) for word in mark.keywords}.get("on")
                    yield node.name, codes, TRANSPORTS if on is None else (on,)


def table() -> str:
    """The catalogue with the first test of each code, as Markdown."""
    found = codes_met()
    lines = ["| code | status | REST | GraphQL |", "|---|---|---|---|"]
    for code, entry in CATALOGUE.items():
        tests = [_shown(found.get((code, transport), [])) for transport in TRANSPORTS]
        if any(tests):
            lines.append(f"| `{code}` | {entry.status} | {tests[0]} | {tests[1]} |")
    return "\n".join(lines)


def _shown(tests: list[str]) -> str:
    return f"`{tests[0]}`" if tests else ""


if __name__ == "__main__":
    print(table())  # noqa: T201
