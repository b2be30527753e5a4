"""What one process holds for its lifetime: the database, the caches, the buckets, the keys. Built by `open_node`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.access.paging import CursorCodec
from app.domain.actors import Actor
from app.domain.commands import UncheckedText
from app.domain.rate_limits import Limits
from app.engine.cidrs import Address, Networks
from app.runtime.credentials import CredentialCache, LiveApiKey, LiveSession
from app.runtime.rate_limits import Buckets, MemoryBuckets, MemoryLimits
from app.runtime.rulesets import RulesetCache
from app.services.throttling import ClientContext
from app.settings import Settings
from app.store.changeset import EnvironmentChange
from app.store.engines import Database
from app.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Caches:
    """What is kept in memory of what the database holds; it takes in every commit of this process."""

    rulesets: RulesetCache
    api_keys: CredentialCache[LiveApiKey]
    sessions: CredentialCache[LiveSession]

    def committed(self, changes: Sequence[EnvironmentChange], gone: Sequence[str], invalidated: Sequence[str]) -> None:
        self.api_keys.invalidate(invalidated)
        self.sessions.invalidate(invalidated)
        self.rulesets.committed(changes, gone)


@dataclass(slots=True)
class Node:
    """Shared by all requests of the process."""

    settings: Settings
    database: Database
    caches: Caches
    cursors: CursorCodec
    trusted_proxies: Networks
    buckets: Buckets = field(default_factory=MemoryBuckets)
    limits: Limits = field(default_factory=MemoryLimits)
    mail_waits: asyncio.Event = field(default_factory=asyncio.Event)
    rulesets: RulesetCache = field(init=False)
    api_keys: CredentialCache[LiveApiKey] = field(init=False)
    sessions: CredentialCache[LiveSession] = field(init=False)

    def __post_init__(self) -> None:
        """What is looked at often stands here, too."""
        self.rulesets, self.api_keys, self.sessions = self.caches.rulesets, self.caches.api_keys, self.caches.sessions

    def unit(self, request_id: str, actor: Actor | None = None, break_glass: UncheckedText | None = None) -> UnitOfWork:
        """A unit of work for one use case of a request."""
        return UnitOfWork(self.database, self.caches, request_id, actor, break_glass)

    def client(self, address: Address | None, browser: str | None = None) -> ClientContext:
        """What a use case is told of a call from the address."""
        return ClientContext(self.settings, self.limits, address, self.mail_waits.set, browser)

    async def close(self) -> None:
        await self.database.close()
