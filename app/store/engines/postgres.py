"""PostgreSQL: row locks, snapshots and advisory locks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

import asyncpg
import orjson
from sqlalchemy import QueuePool, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlmodel import col

from app.store.audit_guard import GuardedSession
from app.store.engines import WRITE_WAIT_SECONDS, Connections, Database, InUse, Rows
from app.store.engines.compiled import OPTIONS, POSTGRES
from app.store.engines.prepared import Reader

# Keys of advisory locks: any numbers that are not used otherwise in this database.
_MIGRATION_LOCK, SERVING_LOCK, _KEYS, _WRITERS = 0x51691B0, 0x51691B1, 0x51691B2, 0x51691B3
# The server frees what a client has that is not heard of any more, because its machine or its network has gone.
_SILENT_SECONDS = 10
_SILENT_WRITER_SECONDS = 30
_CONNECT_SECONDS = 10
_POOL, _OVERFLOW = 10, 10
_OLDEST = 14
_FAULTS = asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError
_SESSION = "SELECT pg_backend_pid()"


class Postgres(Database):
    """A server that nodes share. Writers wait for each other by row."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = create_async_engine(
            f"{POSTGRES}://",
            execution_options=OPTIONS,
            # asyncpg reads the URL, because it understands `sslmode` and other options.
            async_creator=lambda **options: asyncpg.connect(url, **options),
            json_deserializer=orjson.loads,
            hide_parameters=True,
            pool_size=_POOL,
            max_overflow=_OVERFLOW,
            pool_timeout=WRITE_WAIT_SECONDS,
        )
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @property
    def connections(self) -> Connections:
        return Connections(cast(QueuePool, self._engine.pool).checkedout(), _POOL + _OVERFLOW)

    def reading(self) -> Reader:
        """A session on a snapshot."""
        return Reader(self._snapshots, expire_on_commit=False)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """READ COMMITTED: each statement sees what was committed before it. `await_writers` waits for its end."""
        begin = (
            f"SELECT set_config('lock_timeout', '{int(self.write_wait_seconds)}s', true),"
            f" set_config('idle_in_transaction_session_timeout', '{_SILENT_WRITER_SECONDS}s', true),"
            f" pg_advisory_xact_lock_shared({_WRITERS})"
        )
        async with AsyncSession(self._engine, expire_on_commit=False, sync_session_class=GuardedSession) as session:
            await session.execute(text(begin))
            yield session

    async def await_writers(self) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITERS})"))

    async def lock(self, session: AsyncSession, rows: Rows) -> None:
        """Locks in the order of ids, so that two writers of the same rows never deadlock.

        Whoever writes rows that refer to these (an audit row to its organisation, say) does not wait.
        """
        table, ids = rows
        query = (
            select(col(table.id)).where(col(table.id).in_(ids)).order_by(col(table.id)).with_for_update(key_share=True)
        )
        await session.execute(query)

    async def schema_version(self) -> str | None:
        try:
            async with self.reading() as session:
                return (await session.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
        except ProgrammingError:  # there is no such table
            return None

    async def lock_key(self, session: AsyncSession, key: str) -> None:
        """An advisory lock on the key's hash."""
        await session.execute(
            text("SELECT pg_advisory_xact_lock(:namespace, hashtext(:key))"), {"namespace": _KEYS, "key": key}
        )

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """An advisory lock, held to the end of the transaction."""
        async with self._engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            yield connection

    async def lock_out_servers(self) -> "SessionLock":
        """An advisory lock of a connection that is kept; the server frees it, however the process ends."""
        connection = await asyncpg.connect(self._url, timeout=_CONNECT_SECONDS)
        locked = False
        try:
            if (version := connection.get_server_version()).major < _OLDEST:
                raise OSError(f"Signalbox needs PostgreSQL {_OLDEST} or newer, and this is {version.major}")
            await connection.execute(f"SET idle_session_timeout = '{_SILENT_SECONDS}s'")
            locked = await connection.fetchval(f"SELECT pg_try_advisory_lock({SERVING_LOCK})")
            session = await connection.fetchval(_SESSION)
        finally:
            if not locked:
                await connection.close(timeout=1)
        if not locked:
            raise InUse
        return SessionLock(connection, session)

    async def close(self) -> None:
        await self._engine.dispose()


class SessionLock:
    """Is held for as long as the session lasts."""

    contested = True

    def __init__(self, connection: asyncpg.Connection, session: int) -> None:
        self._connection = connection
        self._session = session

    @property
    def broken(self) -> bool:
        return bool(self._connection.is_closed())

    async def is_held(self) -> bool:
        """Asks for the session, for a proxy may have put another one in its place."""
        try:
            return bool(await self._connection.fetchval(_SESSION, timeout=_SILENT_SECONDS) == self._session)
        except _FAULTS:
            return False

    async def release(self) -> None:
        with suppress(*_FAULTS):  # where it was lost before
            await self._connection.execute(f"SELECT pg_advisory_unlock({SERVING_LOCK})", timeout=1)
            await self._connection.close(timeout=1)
        self._connection.terminate()  # where it could not be asked to end
