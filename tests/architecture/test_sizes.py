"""A file is read in one sitting; a function is one thought; a handler parses, calls a service and shapes the answer.

That functions do not branch too much is the linter's business (`C901`, at most 10).
"""

import ast
import tomllib
from collections.abc import Iterator

from tests.architecture.sources import TOP, modules

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
MOST_STATEMENTS = 10
DATA = {"app/domain/catalogue.py", "app/rest/openapi/descriptions.py"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
WRITTEN = {path: module for path, module in modules().items() if "/migrations/" not in path}


def test_a_file_is_read_in_one_sitting() -> None:
    lengths = {path: len((TOP / path).read_text("utf-8").splitlines()) for path in WRITTEN}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE and path not in DATA} == {}


def test_a_function_is_one_thought() -> None:
    lengths = {
        (path, node.name): body[-1].end_lineno - body[0].lineno + 1  # type: ignore[operator]
        for path, module in WRITTEN.items()
        for node in ast.walk(module)
        if isinstance(node, Function) and not is_table(body := body_of(node))
    }
    assert ("app/main.py", "create_app") in lengths
    assert {one: length for one, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_handlers_and_resolvers_are_short() -> None:
    counted = {(path, one.name): statements(one) for path, one in handlers()}
    assert {("app/rest/orgs.py", "create_org"), ("app/graphql/flags.py", "create_flag")} <= set(counted)
    assert {one: count for one, count in counted.items() if count > MOST_STATEMENTS} == {}


def test_the_linter_counts_branches() -> None:
    lint = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    ignored = {*lint["ignore"], *(code for codes in lint["per-file-ignores"].values() for code in codes)}
    assert lint["select"] == ["ALL"]
    assert [code for code in ignored if "C901".startswith(code)] == []
    assert lint.get("mccabe", {}).get("max-complexity", 10) <= 10


def handlers() -> Iterator[tuple[str, Function]]:
    """REST's handlers take a call and its unit of work; GraphQL's resolvers are decorated."""
    for path, module in WRITTEN.items():
        for node in ast.walk(module):
            if isinstance(node, Function):
                takes = [ast.unparse(one.annotation) for one in node.args.args if one.annotation]
                decorators = [ast.unparse(one) for one in node.decorator_list]
                if takes == ["RestCall", "UnitOfWork"] or any(
                    one.startswith(("strawberry.field", "strawberry.mutation")) for one in decorators
                ):
                    yield path, node


def statements(function: Function) -> int:
    """Those of a function at any depth, without its docstring."""
    return sum(isinstance(node, ast.stmt) for one in body_of(function) for node in ast.walk(one))


def body_of(function: Function) -> list[ast.stmt]:
    """The statements of a function without its docstring."""
    return function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body


def is_table(body: list[ast.stmt]) -> bool:
    """What only gives a list of things is as long as the list."""
    return len(body) == 1 and isinstance(body[0], ast.Return) and isinstance(body[0].value, ast.List)
