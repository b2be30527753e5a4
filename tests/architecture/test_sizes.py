"""A handler or resolver parses, calls a service and shapes the answer; it does nothing else."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import modules

MOST_STATEMENTS = 10
LONGEST_FILE = 400
DATA = {"app/domain/catalogue.py"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def handlers() -> Iterator[tuple[str, Function]]:
    """REST's handlers take a call and its unit of work; GraphQL's resolvers are decorated."""
    for path, module in modules().items():
        for node in ast.walk(module):
            if not isinstance(node, Function):
                continue
            takes = [ast.unparse(one.annotation) for one in node.args.args if one.annotation]
            handles = takes == ["Call", "UnitOfWork"]
            resolves = any("strawberry." in ast.unparse(decorator) for decorator in node.decorator_list)
            if (path.startswith("app/rest/") and handles) or (path.startswith("app/graphql/") and resolves):
                yield path, node


def statements(function: Function) -> int:
    """The statements of a function, without its docstring and the function itself."""
    return sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1 - bool(ast.get_docstring(function))


def test_handlers_and_resolvers_are_short() -> None:
    long = {(path, one.name): statements(one) for path, one in handlers() if statements(one) > MOST_STATEMENTS}
    assert long == {}


def test_both_transports_were_looked_at() -> None:
    names = {(path.split("/")[1], one.name) for path, one in handlers()}
    assert {("rest", "create_project"), ("graphql", "create_flag"), ("graphql", "flag_states")} <= names


def test_a_file_is_read_in_one_sitting() -> None:
    lengths = {
        path: max((getattr(node, "end_lineno", 0) for node in ast.walk(module)), default=0)
        for path, module in modules().items()
        if "/migrations/" not in path
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE and path not in DATA} == {}
