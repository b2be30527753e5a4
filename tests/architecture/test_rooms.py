"""What each room keeps to itself. Who may import whom is import-linter's business (`scripts/check`)."""

import ast

from tests.architecture.sources import calls, imports, modules

STATEMENTS = {"select", "insert", "update", "delete", "func", "text", "exists", "union", "union_all"}
SPEAKING = ("execute", "scalar", "scalars", "stream", "get_one", "commit", "exec_driver_sql")
DATABASE = ("app/store/", "app/migrations/")
TRANSPORTS = ("app/main.py", "app/rest/", "app/graphql/", "app/dataplane/", "app/web/", "app/http/", "app/cli/")
FRAMEWORKS = ("starlette", "strawberry", "graphql", "uvicorn")
OUTSIDE_WORLD = {"sqlalchemy", "sqlmodel", "asyncio", "time", "os", "pathlib", "socket", "structlog", "logging"}
MAX_DOCSTRING_LINES = 8


def outside(*rooms: str) -> list[str]:
    return [path for path in modules() if not path.startswith(rooms)]


def test_queries_are_the_stores() -> None:
    written = {
        (path, name)
        for path in outside(*DATABASE, "app/models/")
        for name in imports(path)
        if name.startswith(("sqlalchemy", "sqlmodel")) and name.rpartition(".")[2] in STATEMENTS
    }
    assert written == set()


def test_only_the_store_speaks_to_the_database() -> None:
    spoken = {
        path
        for method in SPEAKING
        for path, call in calls(method)
        if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value).endswith(("session", "connection"))
    }
    assert spoken & set(outside(*DATABASE)) == set()
    assert "app/store/orgs.py" in spoken


def test_there_is_one_commit() -> None:
    """Beside it the driver's connection hands on what SQLAlchemy asks of it."""
    committing = sorted((path, ast.unparse(call.func)) for path, call in calls("commit"))
    assert committing == [
        ("app/store/engines/sqlite_driver.py", "super().commit"),
        ("app/store/unit_of_work.py", "self.session.commit"),
    ]


def test_only_the_changeset_raises_versions() -> None:
    """Beside it a ruleset gets its version when it is made."""
    writing = {
        (path, ast.unparse(target))
        for path, module in modules().items()
        for node in ast.walk(module)
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and target.attr in {"version", "version_at"}
    }
    assert writing == {
        ("app/engine/ruleset.py", "self.version"),
        ("app/engine/ruleset.py", "self.version_at"),
        ("app/engine/snapshot.py", "self.version"),
        ("app/store/changeset.py", "environment.version"),
        ("app/store/changeset.py", "environment.version_at"),
    }


def test_the_policy_is_asked_in_few_places() -> None:
    asking = {path for path, call in calls("decide") if ast.unparse(call.func) in {"decide", "policy.decide"}}
    assert asking - {"app/domain/policy.py"} == {f"app/access/{name}.py" for name in ("entry", "known", "batches")}


def test_states_are_written_in_few_places() -> None:
    """So that no way to a state leads past what decides whether it waits."""
    writing = {name: {path for path, _ in calls(name)} for name in ("write_state", "write_change")}
    assert writing == {
        "write_state": {"app/access/entry.py", "app/services/changes.py", "app/services/environments.py"},
        "write_change": {"app/services/applying.py", "app/services/changes.py", "app/services/promotion_changes.py"},
    }


def test_there_is_one_kind_of_failure() -> None:
    subclasses = [
        node.name
        for module in modules().values()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef) and "AppError" in map(ast.unparse, node.bases)
    ]
    assert subclasses == []


def test_statuses_of_failures_stand_in_the_catalogue() -> None:
    """But for what GraphQL's newer media type asks of a document that did not begin to run."""
    found = {
        path
        for path, module in modules().items()
        if path.startswith((*TRANSPORTS, "app/services/"))
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and type(node.value) is int and 400 <= node.value < 600
    }
    assert found <= {"app/graphql/view.py"}


def test_what_is_below_the_transports_knows_none_of_them() -> None:
    known = {(path, name) for path in outside(*TRANSPORTS) for name in imports(path) if name.startswith(FRAMEWORKS)}
    assert known == set()


def test_the_domain_has_no_clock_no_input_and_no_output() -> None:
    domain = {path: module for path, module in modules().items() if path.startswith(("app/domain/", "app/engine/"))}
    assert {
        (path, name) for path in domain for name in imports(path) if name.partition(".")[0] in OUTSIDE_WORLD
    } == set()
    assert [path for path, module in domain.items() if "datetime.now(" in ast.unparse(module)] == []


def test_a_module_says_in_a_few_lines_what_it_is_for() -> None:
    """A package that only holds others may be empty."""
    silent = [path for path, module in modules().items() if module.body and ast.get_docstring(module) is None]
    chatty = [
        path
        for path, module in modules().items()
        if len((ast.get_docstring(module) or "").splitlines()) > MAX_DOCSTRING_LINES
    ]
    assert (silent, chatty) == ([], [])


def test_nothing_is_imported_inside_a_function() -> None:
    inside = {
        (path, function.name)
        for path, module in modules().items()
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert inside == set()
