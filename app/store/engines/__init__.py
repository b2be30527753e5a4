"""What the rest of the store needs of a database; `sqlite` and `postgres` are the two there are."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.domain.errors import AppError
from app.models import Instance
from app.models.base import Identified
from app.store.engines.lease import TAKEOVER_SECONDS, Lease, ServingLock, seconds
from app.store.engines.prepared import Reader

log = structlog.get_logger()
WRITE_WAIT_SECONDS = 20.0

Rows = tuple[type[Identified | Instance], Iterable[str | int]]


class InUse(Exception):
    """Another server works on the database."""


class Connections(NamedTuple):
    """How many are in use, and how many there may be."""

    in_use: int
    most: int


class Database(ABC):
    """Gives sessions, locks and migrations. Services use the session of their unit of work."""

    write_wait_seconds = WRITE_WAIT_SECONDS
    """How long a writer waits for its turn before it is refused."""
    lease: Lease | None = None
    """The right to serve from memory what the database holds."""

    waiting_writers = 0
    """How many wait for their turn to write."""

    @property
    @abstractmethod
    def connections(self) -> Connections:
        """Those to the database."""

    @abstractmethod
    def reading(self) -> Reader:
        """A session whose reads all see one snapshot."""

    @abstractmethod
    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Waits for the turn to write, and gives the session of a write transaction."""

    @abstractmethod
    async def lock(self, session: AsyncSession, rows: Rows) -> None:
        """Keeps every other writer of the rows out until the transaction ends."""

    @abstractmethod
    async def lock_key(self, session: AsyncSession, key: str) -> None:
        """Keeps others who lock the key out until the transaction ends: for a row that may not exist yet."""

    @abstractmethod
    async def schema_version(self) -> str | None:
        """The last migration that the database has had; None where it has had none or is not set up otherwise."""

    @abstractmethod
    def migrating(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection in a transaction, while no other node migrates."""

    @abstractmethod
    async def lock_out_servers(self) -> ServingLock:
        """Raises InUse where a server has the lock."""

    @abstractmethod
    async def await_writers(self) -> None:
        """Returns once every write that has begun has ended."""

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Lease]:
        """Keeps other servers off the database meanwhile. Raises InUse if there is one already."""
        began = seconds()
        lock = await self.lock_out_servers()
        try:
            lease = Lease(lock, began)
            keeping = asyncio.create_task(lease.keep())
            try:
                if lock.contested:
                    await asyncio.sleep(TAKEOVER_SECONDS)
                await self.await_writers()
                yield lease
            finally:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
        finally:
            await lock.release()

    @property
    def has_lease(self) -> bool:
        """Whether no other server can have taken over."""
        return self.lease is None or self.lease.is_valid

    async def require_lease(self) -> None:
        """Raises `unavailable` where another server may have taken over. A command needs no lease, so it has none."""
        if self.lease is not None:
            await self.lease.require()

    @abstractmethod
    async def close(self) -> None:
        """Closes all connections."""

    async def ping(self) -> None:
        """Raises `unavailable` if the database does not answer, or has become another server's."""
        await self.require_lease()
        try:
            async with self.reading() as session:
                await session.execute(text("SELECT 1"))
        except Exception as fault:
            log.warning("the database does not answer", fault=repr(fault))
            raise AppError("unavailable", "The database is not responding.") from fault
