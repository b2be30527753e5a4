"""What differs by database engine, and nothing else: how to connect, how to begin a write, how to wait for the turn."""

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app.domain.errors import AppError

WRITE_WAIT_SECONDS = 20.0
_SQLITE_BUSY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
}


class Database(ABC):
    """A database that sessions read from and write to. Nobody but the unit of work opens them."""

    @abstractmethod
    def reading(self) -> AsyncSession:
        """A session for a consistent read."""

    @abstractmethod
    def writing(self) -> Any:
        """An async context manager: waits for the turn to write and gives the session of a write transaction."""

    @abstractmethod
    def migrating(self) -> Any:
        """An async context manager: a connection in a transaction that no other node migrates beside."""

    @abstractmethod
    async def close(self) -> None:
        """Gives all connections back."""

    async def ping(self) -> None:
        """Raises `unavailable` when the database does not answer."""
        try:
            async with self.reading() as session:
                await (await session.connection()).exec_driver_sql("SELECT 1")
        except (DBAPIError, OSError) as fault:
            raise AppError("unavailable", "The database does not answer.") from fault


class Sqlite(Database):
    """One file in WAL mode: readers beside one writer. Writers queue in the process, first come, first served.

    SQLite's own lock is waited for by sleeping, which is unfair and slow; the queue is what makes a hundred writers
    at once as fast as a hundred in turn. Another process on the same file (the command line) waits by `busy_timeout`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._readers = _sqlite_engine(path, "BEGIN", pool_size=4)
        self._writer = _sqlite_engine(path, "BEGIN IMMEDIATE", pool_size=1)
        self._turn = asyncio.Lock()

    def reading(self) -> AsyncSession:
        """A session on a reader's connection."""
        return AsyncSession(self._readers, expire_on_commit=False)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """The one writer's session, when its turn has come."""
        try:
            async with asyncio.timeout(WRITE_WAIT_SECONDS):
                await self._turn.acquire()
        except TimeoutError as fault:
            raise AppError("unavailable", "Too many writes are waiting.") from fault
        try:
            async with AsyncSession(self._writer, expire_on_commit=False) as session:
                yield session
        finally:
            self._turn.release()

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[Any]:
        """BEGIN IMMEDIATE is the lock."""
        async with self._writer.begin() as connection:
            yield connection

    async def close(self) -> None:
        """Closes both pools."""
        await self._readers.dispose()
        await self._writer.dispose()


def _sqlite_engine(path: Path, begin: str, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}", pool_size=pool_size, max_overflow=0, connect_args={"timeout": 10}
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late and be DEFERRED
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def is_busy(fault: DBAPIError) -> bool:
    """Whether the engine says that it cannot serve now, so that the same call may go through later."""
    code = getattr(fault.orig, "sqlite_errorcode", None)
    return fault.connection_invalidated or (code is not None and code & 0xFF in _SQLITE_BUSY)
