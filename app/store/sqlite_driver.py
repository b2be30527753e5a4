"""aiosqlite with one visit to the connection's thread for a statement, where SQLAlchemy's own cursor makes four.

A point read is little work, and each visit costs as much again. So a transaction begins with its first statement, in
the same visit, and nobody waits for the end of one that only read.
"""

import sqlite3
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

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


def _begin(connection: sqlite3.Connection, begin: str, run: Any, statement: str, parameters: Any) -> Done:
    connection.execute(begin)
    return cast(Done, run(connection, statement, parameters))


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
        connection = cast(Connection, self._adapt_connection)
        async with connection._execute_mutex:  # noqa: SLF001
            if (begin := connection.taken_begin()) is None:
                done = await driver._execute(run, driver._conn, operation, parameters)  # noqa: SLF001
            else:
                done = await driver._execute(_begin, driver._conn, begin, run, operation, parameters)  # noqa: SLF001
        self._cursor = done
        self._rows = deque(done.rows)

    def close(self) -> None:
        """Forgets the rows that were not read."""
        self._rows.clear()


class Connection(AsyncAdapt_aiosqlite_connection):
    __slots__ = ("_begin", "_only_reads")

    _cursor_cls = Cursor

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._begin: str | None = None
        self._only_reads = False

    def begin(self, statement: str, *, only_reads: bool) -> None:
        """Begins a transaction with what is executed next."""
        self._begin, self._only_reads = statement, only_reads

    def taken_begin(self) -> str | None:
        """What to begin with, once."""
        begin, self._begin = self._begin, None
        return begin

    def rollback(self) -> None:
        """Ends the transaction, if it has begun. What is executed next comes after it, waited for or not."""
        driver: Any = self._connection
        if self.taken_begin() is not None or driver._connection is None:  # noqa: SLF001
            return
        if self._only_reads:
            driver._tx.put_nowait((None, driver._conn.rollback))  # noqa: SLF001
        else:
            super().rollback()

    def commit(self) -> None:
        """Ends the transaction, if it has begun."""
        if self.taken_begin() is None:
            super().commit()


class Driver(AsyncAdapt_aiosqlite_dbapi):
    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)

    def connect(self, *arg: Any, **kw: Any) -> Connection:
        return Connection(self, super().connect(*arg, **kw)._connection)  # noqa: SLF001
