"""PostgreSQL: row locks, snapshots and advisory locks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlmodel import col

from app.store.audit_guard import GuardedSession
from app.store.engines import WRITE_WAIT_SECONDS, Database, InUse, Rows

# Keys of advisory locks: any numbers that are not used otherwise in this database.
_MIGRATION_LOCK, _SERVING_LOCK, _KEYS = 0x51691B0, 0x51691B1, 0x51691B2


class Postgres(Database):
    """A server that nodes share. Writers wait for each other by row."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            # asyncpg reads the URL, because it understands `sslmode` and other options.
            async_creator=lambda **options: asyncpg.connect(url, **options),
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
        """READ COMMITTED: each statement sees what was committed before it."""
        async with AsyncSession(self._engine, expire_on_commit=False, sync_session_class=GuardedSession) as session:
            await session.execute(text(f"SET LOCAL lock_timeout = '{int(self.write_wait_seconds)}s'"))
            yield session

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
