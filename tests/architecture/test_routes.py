"""The table of routes and the table of the policy agree. That each route has its twin is `test_parity`'s business."""

import ast

from pydantic.alias_generators import to_camel

from app.domain.policy import TABLE, Operation
from app.rest.app import TABLE as ROUTES
from tests.architecture.sources import modules


def test_every_operation_has_a_row() -> None:
    assert set(TABLE) == set(Operation)


def test_a_path_and_method_are_one_route() -> None:
    addresses = [(endpoint.method, endpoint.path) for endpoint in ROUTES]
    assert len(addresses) == len(set(addresses))


def test_reads_have_no_body_and_writes_have_a_command() -> None:
    assert [route.name for route in ROUTES if route.safe and route.body is not None] == []
    assert [route.name for route in ROUTES if not route.safe and route.body is None] == []


def test_a_row_names_the_operation_that_its_service_asks_for() -> None:
    """The service enters with `Operation.X`; the route, OpenAPI and the README must not say another."""
    asked: dict[str, set[str]] = {}
    for path, module in modules().items():
        if path.startswith("app/services/"):
            for function in module.body:
                if isinstance(function, ast.AsyncFunctionDef):
                    named = {ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.Attribute)}
                    asked[to_camel(function.name)] = {one for one in named if one.startswith("Operation.")}
    for route in ROUTES:
        if route.operation is not None and asked.get(route.name):
            assert f"Operation.{route.operation.name}" in asked[route.name], route.name
