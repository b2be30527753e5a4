"""The table of routes and the table of the policy agree. That each route has its twin is `test_parity`'s business."""

import ast

from pydantic.alias_generators import to_camel

from app.domain.operations import Operation
from app.domain.policy import TABLE
from app.engine.kinds import Kind
from app.rest.app import TABLE as ROUTES
from tests.architecture.sources import modules

PRIMITIVES = "app/services/primitives.py"


def test_every_operation_has_a_row() -> None:
    assert set(TABLE) == set(Operation)


def test_a_path_and_method_are_one_route() -> None:
    addresses = [(endpoint.method, endpoint.path) for endpoint in ROUTES]
    assert len(addresses) == len(set(addresses))


def test_reads_have_no_body_and_writes_have_a_command() -> None:
    assert [route.name for route in ROUTES if route.safe and route.body is not None] == []
    assert [route.name for route in ROUTES if not route.safe and route.body is None] == []


def test_a_route_names_the_operation_that_its_service_asks_for() -> None:
    """The service enters with `Operation.X`; the route, OpenAPI and the README must not say another."""
    services = {
        to_camel(node.name): (path, node.name)
        for path, module in modules().items()
        if path.startswith("app/services/")
        for node in module.body
        if isinstance(node, ast.AsyncFunctionDef)
    }
    services |= {route: (PRIMITIVES, f"Primitives.{method}") for route, method in methods_of_primitives().items()}
    wrong = [
        (route.name, route.operation)
        for route in ROUTES
        if route.operation is not None and f"Operation.{route.operation.name}" not in operations(*services[route.name])
    ]
    assert wrong == []


def methods_of_primitives() -> dict[str, str]:
    """The method that each route of flags, configs and segments alike calls."""
    found = {}
    for kind in Kind:
        noun = kind.capitalize()
        found |= {f"list{noun}s": "list", f"list{noun}States": "list_states", f"list{noun}References": "references"}
        found |= {f"list{noun}History": "history"}
        found |= {f"{verb}{noun}": verb for verb in ("create", "get", "update", "delete", "promote")}
        found |= {f"{verb}{noun}State": f"{verb}_state" for verb in ("get", "update", "replace")}
    return found


def operations(path: str, name: str) -> set[str]:
    """The operations that a function of a service names, or what it uses of the services does."""
    found: set[str] = set()
    seen, open_ends = set(), [(path, name)]
    while open_ends:
        if (at := open_ends.pop()) in seen or (definition := definitions(at[0]).get(at[1])) is None:
            continue
        seen.add(at)
        imported = services_imported_by(at[0])
        for node in ast.walk(definition):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id == "Operation":
                    found.add(ast.unparse(node))
                elif node.value.id == "self":
                    open_ends.append((at[0], f"{at[1].partition('.')[0]}.{node.attr}"))
                elif (module := imported.get(node.value.id)) is not None:
                    open_ends.append((module[0], node.attr))
            elif isinstance(node, ast.Name):
                open_ends.append(imported.get(node.id) or (at[0], node.id))
    return found


def definitions(path: str) -> dict[str, ast.stmt]:
    """What a module defines, by name."""
    found: dict[str, ast.stmt] = {}
    for node in modules()[path].body if path in modules() else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.AsyncFunctionDef):
                    found[f"{node.name}.{inner.name}"] = inner
        elif isinstance(node, ast.Assign):
            found |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    return found


def services_imported_by(path: str) -> dict[str, tuple[str, str]]:
    """The names of services' modules and of what is in them: where each is defined."""
    found = {}
    for node in modules()[path].body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("app.services"):
            folder = (node.module or "").replace(".", "/")
            for alias in node.names:
                is_module = node.module == "app.services"
                found[alias.asname or alias.name] = (
                    f"{folder}/{alias.name}.py" if is_module else f"{folder}.py",
                    alias.name,
                )
    return found
