"""aiosqlite with one visit to the connection's thread for a statement, where SQLAlchemy's own cursor makes four.

A point read is little work, and each visit costs as much again: this halves what a request takes.
"""

import sqlite3
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_cursor,
    AsyncAdapt_aiosqlite_dbapi,
)


class Done(NamedTuple):
    """What a cursor tells after a statement; it stands in its place, for it is closed by then."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    arraysize: int = 1
    rows: Sequence[Any] = ()


def _execute(connection: sqlite3.Connection, statement: str, parameters: Any) -> Done:
    return _taken(connection.execute(statement, parameters or ()))


def _execute_many(connection: sqlite3.Connection, statement: str, parameters: Any) -> Done:
    return _taken(connection.executemany(statement, parameters))


def _taken(cursor: sqlite3.Cursor) -> Done:
    rows = cursor.fetchall() if cursor.description else ()
    done = Done(cursor.description, cursor.rowcount, cursor.lastrowid, 1, rows)
    cursor.close()
    return done


class Cursor(AsyncAdapt_aiosqlite_cursor):
    """Opens, runs, reads and closes at once."""

    __slots__ = ()

    _awaitable_cursor_close = False

    def _make_new_cursor(self, connection: Any) -> Any:  # noqa: ARG002
        return Done()

    def _aenter_cursor(self, cursor: Any) -> Any:
        return cursor

    async def _execute_async(self, operation: Any, parameters: Any) -> None:
        await self._visit(_execute, operation, parameters)

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> None:
        await self._visit(_execute_many, operation, seq_of_parameters)

    async def _visit(self, run: Any, operation: Any, parameters: Any) -> None:
        driver: Any = self._connection
        async with self._adapt_connection._execute_mutex:  # noqa: SLF001
            done = await driver._execute(run, driver._conn, operation, parameters)  # noqa: SLF001
        self._cursor = done
        self._rows = deque(done.rows)

    def close(self) -> None:
        """Forgets the rows that were not read."""
        self._rows.clear()


class Connection(AsyncAdapt_aiosqlite_connection):
    """Gives those cursors."""

    __slots__ = ()

    _cursor_cls = Cursor


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """Gives those connections."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arg: Any, **kw: Any) -> Connection:
        """A connection."""
        return Connection(self, super().connect(*arg, **kw)._connection)  # noqa: SLF001
