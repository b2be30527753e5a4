"""What differs by database engine, and nothing else: how to connect, how to begin a write, what to wait for."""

import asyncio
import fcntl
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from socket import gaierror
from typing import Any

import aiosqlite
import asyncpg
import orjson
import structlog
from sqlalchemy import URL, Connection, event, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlmodel import col

from app.domain.errors import AppError
from app.models import Instance
from app.models.base import Identified
from app.store.audit_guard import GuardedSession
from app.store.sqlite_driver import Driver

log = structlog.get_logger()
WRITE_WAIT_SECONDS = 20.0
READERS = 4
_SWITCH_WAIT_SECONDS = 0.01
# What is neither busy nor gone: what a row refers to was deleted in this moment, which the same call then finds out.
_FOREIGN_KEY = {sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, "23503"}
_SQLITE_BUSY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
}
# Serialization failure, deadlock, lock not available, and the classes: connection, resources, operator intervention.
_POSTGRES_BUSY = ("40001", "40P01", "55P03", "08", "53", "57")
# Any numbers that nobody else uses for advisory locks of this database.
_MIGRATION_LOCK, _SERVING_LOCK = 0x51691B0, 0x51691B1

Rows = tuple[type[Identified | Instance], Iterable[str | int]]


class InUse(Exception):
    """Another server works on the database."""


class Database(ABC):
    """A database that sessions read from and write to. Services have theirs from the unit of work."""

    @abstractmethod
    def reading(self) -> AsyncSession:
        """A session whose reads all see the same moment."""

    @abstractmethod
    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Waits for the turn to write and gives the session of a write transaction."""

    @abstractmethod
    async def lock(self, session: AsyncSession, rows: Rows) -> None:
        """Keeps every other writer of the rows out until the transaction ends."""

    @abstractmethod
    def migrating(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection in a transaction that no other node migrates beside."""

    @abstractmethod
    def alone(self) -> AbstractAsyncContextManager[None]:
        """Keeps other servers off the database. Raises InUse where there is one already."""

    @abstractmethod
    async def close(self) -> None:
        """Gives all connections back."""

    async def ping(self) -> None:
        """Raises `unavailable` when the database does not answer."""
        try:
            async with self.reading() as session:
                await session.execute(text("SELECT 1"))
        except Exception as fault:
            log.warning("the database does not answer", fault=repr(fault))
            raise AppError("unavailable", "The database does not answer.") from fault


class Sqlite(Database):
    """One file in WAL mode: readers beside one writer. Writers queue in the process, first come, first served.

    SQLite's own lock is waited for by sleeping, which is unfair and slow; the queue is what makes a hundred writers
    at once as fast as a hundred in turn. Another process on the same file (the command line) waits by `busy_timeout`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it holds emails and keys; SQLite gives its other files the same mode
        self._path = path
        self._readers = _sqlite_engine(path, READERS, only_reads=True)
        self._writer = _sqlite_engine(path, 1, only_reads=False)
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
            async with AsyncSession(self._writer, expire_on_commit=False, sync_session_class=GuardedSession) as session:
                yield session
        finally:
            self._turn.release()

    async def lock(self, session: AsyncSession, rows: Rows) -> None:
        """There is one writer, so all rows are locked."""

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """BEGIN IMMEDIATE is the lock."""
        await _switch_to_wal(self._path)
        # A table that Alembic makes anew is dropped meanwhile: with foreign keys on, what refers to it would go, too.
        engine = _sqlite_engine(self._path, 1, only_reads=False, foreign_keys=False)
        try:
            async with engine.begin() as connection:
                await connection.execute(text("SELECT 1"))  # the transaction begins with its first statement
                yield connection
                await _refuse_astray(connection)
        finally:
            await engine.dispose()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """A lock on a file beside the database; the system frees it, however the process ends."""
        with self._path.with_suffix(".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as fault:
                raise InUse from fault
            yield

    async def close(self) -> None:
        await self._readers.dispose()
        await self._writer.dispose()


class Postgres(Database):
    """A server, shared by as many nodes as there are. Writers wait for each other by row."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda **options: asyncpg.connect(url, **options),  # it knows `sslmode` and the like
            json_deserializer=orjson.loads,
            hide_parameters=True,
            pool_size=10,
            max_overflow=10,
            pool_timeout=WRITE_WAIT_SECONDS,
        )
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def reading(self) -> AsyncSession:
        """A session on a snapshot."""
        return AsyncSession(self._snapshots, expire_on_commit=False)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A session that sees what was committed before each of its statements."""
        async with AsyncSession(self._engine, expire_on_commit=False, sync_session_class=GuardedSession) as session:
            await session.execute(text(f"SET LOCAL lock_timeout = '{int(WRITE_WAIT_SECONDS)}s'"))
            yield session

    async def lock(self, session: AsyncSession, rows: Rows) -> None:
        """Locks in the order of ids, so that two writers of the same rows never wait for each other in a circle.

        Whoever writes rows that refer to these (an audit row to its organisation, say) does not wait.
        """
        table, ids = rows
        query = (
            select(col(table.id)).where(col(table.id).in_(ids)).order_by(col(table.id)).with_for_update(key_share=True)
        )
        await session.execute(query)

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """An advisory lock, held to the end of the transaction."""
        async with self._engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            yield connection

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """An advisory lock of a connection that is kept; the server frees it, however the process ends."""
        async with self._engine.connect() as connection:
            query = text(f"SELECT pg_try_advisory_lock({_SERVING_LOCK})")
            if not (await connection.execute(query)).scalar_one():
                raise InUse
            await connection.rollback()
            try:
                yield
            finally:
                await connection.invalidate()

    async def close(self) -> None:
        await self._engine.dispose()


async def _refuse_astray(connection: AsyncConnection) -> None:
    """Looks through all tables, unless nothing was migrated: a migration notes itself in a row."""
    if (await connection.execute(text("SELECT total_changes()"))).scalar_one() == 0:
        return
    if astray := (await connection.execute(text("PRAGMA foreign_key_check"))).all():
        raise RuntimeError(f"a migration left rows that refer to nothing: {astray[:10]}")


async def _switch_to_wal(path: Path) -> None:
    """The file remembers it. SQLite does not wait by itself for others who switch at the same moment."""
    tries = int(WRITE_WAIT_SECONDS / _SWITCH_WAIT_SECONDS)
    for left in reversed(range(tries)):
        try:
            async with aiosqlite.connect(path) as connection:
                await connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as fault:
            if left == 0 or fault.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise OSError(str(fault)) from fault
            await asyncio.sleep(_SWITCH_WAIT_SECONDS)
        else:
            return


def _sqlite_engine(path: Path, pool_size: int, *, only_reads: bool, foreign_keys: bool = True) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        module=Driver(),
        json_deserializer=orjson.loads,
        hide_parameters=True,  # some are secrets' hashes and emails, which no log may hold
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"timeout": 10},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN would come too late and be DEFERRED
        # SQLite's own `lower` knows ASCII only.
        connection.create_function("lower", 1, str.lower, deterministic=True)
        cursor = connection.cursor()
        switches = f"foreign_keys={int(foreign_keys)}", f"query_only={int(only_reads)}"
        for pragma in ("synchronous=FULL", "cache_size=-32000", *switches):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        driver.begin("BEGIN" if only_reads else "BEGIN IMMEDIATE", only_reads=only_reads)

    return engine


@contextmanager
def refusing_if_busy() -> Iterator[None]:
    """What is read outside of a unit of work fails as it does inside one."""
    try:
        yield
    except Exception as fault:
        refuse_if_busy(fault)
        raise


def refuse_if_busy(fault: BaseException) -> None:
    """Raises `unavailable` where the same call may go through later, and logs why it did not."""
    if _is_busy(fault):
        log.warning("the database cannot serve", fault=repr(fault))
        raise AppError("unavailable", "The database cannot serve now.") from fault


def _is_busy(fault: BaseException) -> bool:
    if not isinstance(fault, DBAPIError):
        return isinstance(fault, ConnectionError | TimeoutError | gaierror | PoolTimeoutError)
    if fault.connection_invalidated:
        return True
    sqlite_code = getattr(fault.orig, "sqlite_errorcode", None)
    state = getattr(fault.orig, "sqlstate", None) or ""
    if {sqlite_code, state} & _FOREIGN_KEY:
        return True
    return (sqlite_code is not None and sqlite_code & 0xFF in _SQLITE_BUSY) or state.startswith(_POSTGRES_BUSY)
