"""What a test's requests ask of the database, seen where SQLAlchemy hands it to the driver."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Engine, event

_OF_SESSIONS = "secret_hash = "
_run: ContextVar[list[str] | None] = ContextVar("run", default=None)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that are run for the block, and not by the server's own tasks meanwhile.

    What begins and ends a transaction is none, nor is the look for the caller's session, which comes once a second.
    """
    run: list[str] = []
    token = _run.set(run)
    event.listen(Engine, "before_cursor_execute", _seen)
    try:
        yield run
    finally:
        event.remove(Engine, "before_cursor_execute", _seen)
        _run.reset(token)


def _seen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    run = _run.get()
    if run is not None and not statement.startswith(("BEGIN", "PRAGMA", "SET")) and _OF_SESSIONS not in statement:
        run.append(statement)
