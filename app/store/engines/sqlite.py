"""SQLite: one file, many readers, one writer at a time."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, cast

import orjson
from sqlalchemy import URL, Connection, Engine, PoolProxiedConnection, QueuePool, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.util.concurrency import await_only, greenlet_spawn

from app.domain.errors import AppError
from app.store.audit_guard import GuardedSession
from app.store.engines import WRITE_WAIT_SECONDS, Connections, Database, InUse, Rows
from app.store.engines.compiled import OPTIONS, SQLITE
from app.store.engines.prepared import Compiled, Prepared, Reader
from app.store.engines.sqlite_driver import Driver

READERS = 4


class Sqlite(Database):
    """A file in WAL mode: reads go on while one writes. Writers queue in the process, first come, first served.

    SQLite's own lock is waited for by sleeping, which is unfair and slow; the queue is what makes a hundred writers
    at once as fast as a hundred in turn. Another process on the same file (the command line) waits by `busy_timeout`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it holds emails and hashes of secrets; SQLite gives its other files the same mode
        self._path = path
        self._driver = Driver()
        self._readers = _Readers(_sqlite_engine(path, self._driver, READERS, only_reads=True))
        self._writer = _sqlite_engine(path, self._driver, 1, only_reads=False)
        self._turn = asyncio.Lock()

    def reading(self) -> Reader:
        return _Reader(self._readers)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        try:
            async with asyncio.timeout(self.write_wait_seconds):
                await self._turn.acquire()
        except TimeoutError as fault:
            raise AppError("unavailable", "Too many writes are waiting.") from fault
        try:
            async with AsyncSession(self._writer, expire_on_commit=False, sync_session_class=GuardedSession) as session:
                yield session
        finally:
            self._turn.release()

    @property
    def connections(self) -> Connections:
        writing = cast(QueuePool, self._writer.pool).checkedout()
        return Connections(self._readers.in_use + writing, READERS + 1)

    async def lock(self, session: AsyncSession, rows: Rows) -> None:
        """There is one writer, so all rows are locked."""

    async def lock_key(self, session: AsyncSession, key: str) -> None:
        """There is one writer."""

    async def schema_version(self) -> str | None:
        return await asyncio.to_thread(_schema_version, self._path)

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """BEGIN IMMEDIATE is the lock."""
        await asyncio.to_thread(_switch_to_wal, self._path)
        # Alembic rebuilds a table by dropping it: with foreign keys on, the rows that refer to it would go, too.
        engine = _sqlite_engine(self._path, self._driver, 1, only_reads=False, foreign_keys=False)
        try:
            async with engine.begin() as connection:
                await connection.execute(text("SELECT 1"))  # the transaction begins with its first statement
                yield connection
                await _check_references(connection)
        finally:
            await engine.dispose()

    async def await_writers(self) -> None:
        async with self.writing() as session:
            await session.execute(text("SELECT 1"))

    async def lock_out_servers(self) -> "FileLock":
        return FileLock(self._path)

    async def close(self) -> None:
        await self._readers.engine.dispose()
        await self._writer.dispose()
        await self._driver.close()


class _Readers:
    """The connections that read. To check one out of SQLAlchemy's pool takes longer than to read a row, so each is
    taken out for good. The driver closes them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._room = asyncio.Semaphore(READERS)
        self.in_use = 0
        self._free: list[PoolProxiedConnection] = []

    async def take(self) -> PoolProxiedConnection:
        await self._room.acquire()
        self.in_use += 1
        try:
            return self._free.pop() if self._free else await greenlet_spawn(self._open)
        except BaseException:
            self._leave()
            raise

    def _open(self) -> PoolProxiedConnection:
        opened = self.engine.sync_engine.connect()  # which has SQLAlchemy's errors, other than its raw connections
        opened.detach()
        return opened.connection

    def give_back(self, taken: PoolProxiedConnection) -> None:
        """Ends what it reads. For one that was lost another will be opened."""
        self._leave()
        if taken.is_valid and taken.dbapi_connection is not None:
            taken.dbapi_connection.rollback()
            self._free.append(taken)

    def _leave(self) -> None:
        self.in_use -= 1
        self._room.release()


class _Session(Session):
    """What the ORM reads, from the connection of its reader."""

    reader: "_Reader"

    def get_bind(self, *args: Any, **options: Any) -> Engine | Connection:
        if isinstance(self.bind, Engine):
            self.bind = Connection(self.bind, await_only(self.reader.connection_taken()))
        return super().get_bind(*args, **options)


class _Reader(Reader):
    """Asks the driver itself for the rows of prepared queries. What the ORM reads comes from the same snapshot."""

    sync_session_class = _Session
    sync_session: _Session

    def __init__(self, readers: _Readers) -> None:
        self._readers = readers
        self._engine = readers.engine.sync_engine
        self._taken: PoolProxiedConnection | None = None

    def __getattr__(self, name: str) -> Any:
        """The ORM's part of it is made when it is asked for, as most requests do not."""
        if name != "sync_session":
            raise AttributeError(name)
        super().__init__(self._readers.engine, expire_on_commit=False)
        self.sync_session.reader = self
        return self.sync_session

    async def connection_taken(self) -> PoolProxiedConnection:
        """The one that it reads from until it is closed."""
        if self._taken is None:
            taken = await self._readers.take()
            if self._taken is None:
                self._taken = taken
            else:  # meanwhile
                self._readers.give_back(taken)
        return self._taken

    async def rows(self, query: Prepared, sought: dict[str, Any]) -> list[tuple[Any, ...]]:
        taken, dialect = await self.connection_taken(), self._engine.dialect
        compiled = Compiled.of(query, dialect)
        text, parameters = compiled.text, compiled.bound(sought)
        try:
            for listener in self._engine.dispatch.before_cursor_execute:
                listener(None, None, text, parameters, None, False)
            driver: Any = taken.dbapi_connection
            driver.begin("BEGIN", only_reads=True)
            found = await driver.fetch(text, parameters)
        except sqlite3.Error as fault:
            lost = dialect.is_disconnect(fault, None, None)  # type: ignore[arg-type]
            if lost:
                await greenlet_spawn(taken.invalidate, fault)
            raise DBAPIError.instance(text, None, fault, sqlite3.Error, True, lost, dialect) from fault
        return [query.row(compiled.read(values)) for values in found]

    async def close(self) -> None:
        try:
            if "sync_session" in self.__dict__:
                await super().close()
                self.sync_session.bind = self._engine
        finally:
            taken, self._taken = self._taken, None
            if taken is not None:
                self._readers.give_back(taken)


class FileLock:
    """A lock on a file next to the database; the system frees it, however the process ends.

    Whoever deletes the file lets a second server in, which makes a new one. So the file says which one it is.
    """

    broken = False

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_suffix(".lock")
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(file, 0o600)  # whoever can open it can lock it
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise InUse from None
        self._file: int | None = file
        self._locked = self._on_disk()
        mark = str(os.fstat(file).st_ino).encode()
        self.contested = os.read(file, 64) != mark and database.stat().st_size > 0
        os.ftruncate(file, 0)
        os.pwrite(file, mark, 0)

    async def is_held(self) -> bool:
        """Whether both files are those that were locked."""
        try:
            return self._on_disk() == self._locked
        except OSError:
            return False

    async def release(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _on_disk(self) -> list[int]:
        return [path.stat().st_ino for path in (self._path, self._database)]


def copy(database: Path, target: Path) -> None:
    """A copy of one moment, into a new file for its owner only, whoever reads and writes meanwhile. Raises OSError.

    It has none of the contexts that environments have sampled: these are kept for a day, and a copy for longer.
    """
    with database.open("rb"):  # SQLite would make it
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        with closing(sqlite3.connect(database, timeout=WRITE_WAIT_SECONDS)) as connection:
            connection.execute("VACUUM INTO ?", [str(target)])
        with closing(sqlite3.connect(target, isolation_level=None)) as connection:
            # Their pages are overwritten, and not written to a journal first.
            connection.executescript("PRAGMA journal_mode=MEMORY; PRAGMA secure_delete=ON;")
            if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sampled_context'").fetchone():
                connection.execute("DELETE FROM sampled_context")
    except sqlite3.Error as fault:
        target.unlink()
        raise OSError(str(fault)) from fault


def _schema_version(path: Path) -> str | None:
    """None, too, where the file is not in WAL mode: a copy may have come without it."""
    query = "SELECT version_num FROM alembic_version WHERE (SELECT journal_mode FROM pragma_journal_mode) = 'wal'"
    try:
        with closing(sqlite3.connect(path, timeout=WRITE_WAIT_SECONDS)) as connection:
            (version,) = connection.execute(query).fetchone() or (None,)
    except sqlite3.DatabaseError:  # no such table, or a fault that migrating meets again and reports
        return None
    return cast("str | None", version)


async def _check_references(connection: AsyncConnection) -> None:
    """Checks all tables, unless nothing was migrated: a migration writes at least its own version."""
    if (await connection.execute(text("SELECT total_changes()"))).scalar_one() == 0:
        return
    if broken := (await connection.execute(text("PRAGMA foreign_key_check"))).all():
        raise RuntimeError(f"a migration left rows with broken references: {broken[:10]}")


def _switch_to_wal(path: Path) -> None:
    """The file remembers it. SQLite does not wait for others who switch at the same moment, so the folder is locked."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with closing(sqlite3.connect(path, timeout=WRITE_WAIT_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as fault:
        raise OSError(str(fault)) from fault
    finally:
        os.close(folder)


def _sqlite_engine(
    path: Path, driver: Driver, pool_size: int, *, only_reads: bool, foreign_keys: bool = True
) -> AsyncEngine:
    engine = create_async_engine(
        URL.create(SQLITE, database=str(path)),
        module=driver,
        execution_options=OPTIONS,
        json_deserializer=orjson.loads,
        hide_parameters=True,  # some are secrets' hashes and emails, which no log may hold
        pool_size=pool_size,
        max_overflow=0,
        # The driver's own BEGIN would come too late and be DEFERRED.
        connect_args={"timeout": 10, "isolation_level": None},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        switches = f"foreign_keys={int(foreign_keys)}", f"query_only={int(only_reads)}"
        for pragma in ("synchronous=FULL", "cache_size=-32000", *switches):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        begins: Any = connection.connection.dbapi_connection
        begins.begin("BEGIN" if only_reads else "BEGIN IMMEDIATE", only_reads=only_reads)

    return engine
