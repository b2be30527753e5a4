"""aiosqlite with one visit to the connection's thread for a statement, where SQLAlchemy's own cursor makes four.

A point read is little work, and each visit costs as much again. So a transaction begins with its first statement, in
the same visit, and the end of one that only read is not waited for. What is used of the insides of both libraries is
marked SLF001; `app/cli/versions.py` refuses to start on versions that may differ there.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_dbapi


class Executed(NamedTuple):
    """What is left of a statement after its visit."""

    description: Any = None
    rowcount: int = -1
    lastrowid: int | None = None
    rows: Sequence[Any] = ()


NOT_EXECUTED = Executed()
Run = Callable[[sqlite3.Connection, str, Any], sqlite3.Cursor]


def _execute(connection: sqlite3.Connection, statement: str, parameters: Any) -> sqlite3.Cursor:
    return connection.execute(statement, parameters or ())


def _execute_many(connection: sqlite3.Connection, statement: str, parameters: Any) -> sqlite3.Cursor:
    return connection.executemany(statement, parameters)


def _visit(connection: sqlite3.Connection, begin: str | None, run: Run, statement: str, parameters: Any) -> Executed:
    if begin is not None:
        connection.execute(begin)
    cursor = run(connection, statement, parameters)
    rows = cursor.fetchall() if cursor.description else ()
    executed = Executed(cursor.description, cursor.rowcount, cursor.lastrowid, rows)
    cursor.close()
    return executed


class Cursor:
    """A cursor as PEP 249 has it, which runs, reads and closes at once."""

    arraysize = 1

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self.description, self.rowcount, self.lastrowid, rows = NOT_EXECUTED
        self._rows = deque(rows)

    def execute(self, statement: str, parameters: Any = None, *, run: Run = _execute) -> None:
        executed = self._connection.visit(run, statement, parameters)
        self.description, self.rowcount, self.lastrowid, rows = executed
        self._rows = deque(rows)

    def executemany(self, statement: str, parameters: Any) -> None:
        self.execute(statement, parameters, run=_execute_many)

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int = arraysize) -> list[Any]:
        return [self._rows.popleft() for _ in range(min(size, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        rows = list(self._rows)
        self._rows.clear()
        return rows

    def close(self) -> None:
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        """SQLAlchemy calls it where the rows are still to be read."""


class Connection(AsyncAdapt_aiosqlite_connection):
    """`_begin` is what begins a transaction with what is executed next, `_begun` whether one has begun."""

    __slots__ = ("_begin", "_begun", "_only_reads")

    def __init__(self, dbapi: Any, connection: Any) -> None:
        super().__init__(dbapi, connection)
        self._begin: str | None = None
        self._begun = False
        self._only_reads = False

    def cursor(self, server_side: bool = False) -> Any:  # noqa: ARG002
        return Cursor(self)

    def begin(self, statement: str, *, only_reads: bool) -> None:
        """Begins a transaction with what is executed next, unless one has begun."""
        self._only_reads = only_reads
        if not self._begun:
            self._begin = statement

    def visit(self, run: Run, statement: str, parameters: Any) -> Executed:
        """Runs the statement in the connection's thread."""
        executed: Executed = self.run_async(lambda _: self._visited(run, statement, parameters))
        return executed

    async def fetch(self, statement: str, parameters: Any) -> Sequence[Any]:
        """The rows of a query, without SQLAlchemy's cursors and results."""
        return (await self._visited(_execute, statement, parameters)).rows

    async def _visited(self, run: Run, statement: str, parameters: Any) -> Executed:
        driver: Any = self.driver_connection
        begin, self._begin = self._begin, None
        self._begun |= begin is not None
        try:
            work = partial(_visit, driver._conn, begin, run, statement, parameters)  # noqa: SLF001
            executed: Executed = await driver._execute(work)  # noqa: SLF001
        except Exception as fault:
            self._handle_exception(fault)  # as an error of SQLAlchemy's, where it knows one
            raise
        return executed

    def rollback(self) -> None:
        """Ends the transaction, if it has begun. What is executed next comes after it, waited for or not."""
        driver: Any = self.driver_connection
        begun, self._begin, self._begun = self._begun, None, False
        if not begun or driver._connection is None:  # noqa: SLF001
            return
        if self._only_reads:
            driver._tx.put_nowait((None, driver._conn.rollback))  # noqa: SLF001
        else:
            super().rollback()

    def commit(self) -> None:
        """Ends the transaction, if it has begun."""
        self._begin = None
        if self._begun:
            super().commit()
            self._begun = False

    def close(self) -> None:
        self.run_async(_close)

    async def _terminate_graceful_close(self) -> None:
        await _close(self.driver_connection)


class Driver(AsyncAdapt_aiosqlite_dbapi):
    """The connections of one database, and the threads that they work in."""

    def __init__(self) -> None:
        super().__init__(aiosqlite, sqlite3)
        self._connections: list[aiosqlite.Connection] = []
        self._closed = False

    def connect(self, *arg: Any, **kw: Any) -> Connection:
        return Connection(self, super().connect(*arg, async_creator_fn=self._open, **kw).driver_connection)

    def _open(self, *arg: Any, **kw: Any) -> aiosqlite.Connection:
        """Remembers the connection before it is waited for: who waits may be canceled, and the thread goes on."""
        if self._closed:
            raise ConnectionError("The database has been closed.")
        connection = aiosqlite.connect(*arg, **kw)
        connection._thread.daemon = True  # noqa: SLF001
        self._connections = [one for one in self._connections if one._thread.is_alive()]  # noqa: SLF001
        self._connections.append(connection)
        return connection

    async def close(self) -> None:
        """Closes all connections, those that somebody still has or did not wait for too, and waits for their threads.

        A thread that is left behind hands its result to the loop, which may be closed by then.
        """
        self._closed = True
        for connection in self._connections:
            await _close(connection)


async def _close(connection: Any) -> None:
    """Closes the connection after what it is at. Can be called twice, and by two at once.

    One that is still being opened has to be open before: aiosqlite's `stop` would end its thread and leave it open.
    """
    thread = connection._thread  # noqa: SLF001
    if thread.is_alive():
        opened = asyncio.get_running_loop().create_future()
        connection._tx.put_nowait((opened, lambda: None))  # noqa: SLF001
        ended = asyncio.ensure_future(asyncio.to_thread(thread.join))
        await asyncio.wait({opened, ended}, return_when=asyncio.FIRST_COMPLETED)
        connection.stop()
        await ended
