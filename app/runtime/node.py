"""What one process holds for its lifetime: the database, the caches, the buckets, the keys. Built by `open_node`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from app.access.paging import CursorCodec
from app.domain.actors import Actor
from app.domain.commands import UncheckedText
from app.domain.ids import new_request_id
from app.domain.rate_limits import Limits
from app.engine.cidrs import Address, Networks
from app.runtime.last_uses import LastUses
from app.runtime.rate_limits import Buckets, MemoryBuckets, MemoryLimits
from app.runtime.rulesets import RulesetCache
from app.runtime.session_cache import SessionCache
from app.runtime.token_cache import TokenCache
from app.services import api_keys, sessions
from app.services.throttling import ClientContext
from app.settings import Settings
from app.store.changeset import EnvironmentChange
from app.store.engines import Database
from app.store.unit_of_work import UnitOfWork

NoteUses = Callable[[UnitOfWork, Mapping[str, datetime]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Caches:
    """What is kept in memory of what the database holds; it takes in every commit of this process."""

    rulesets: RulesetCache
    tokens: TokenCache
    sessions: SessionCache

    def committed(self, changes: Sequence[EnvironmentChange], gone: Sequence[str], invalidated: Sequence[str]) -> None:
        self.tokens.invalidate(invalidated)
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
    tokens: TokenCache = field(init=False)
    sessions: SessionCache = field(init=False)
    token_uses: LastUses = field(init=False)
    session_uses: LastUses = field(init=False)

    def __post_init__(self) -> None:
        """What is looked at often stands here, too; and what needs the node itself."""
        self.rulesets, self.tokens, self.sessions = self.caches.rulesets, self.caches.tokens, self.caches.sessions
        self.token_uses = LastUses(partial(self._note_uses, api_keys.note_uses))
        self.session_uses = LastUses(partial(self._note_uses, sessions.note_uses))

    def unit(self, request_id: str, actor: Actor | None = None, break_glass: UncheckedText | None = None) -> UnitOfWork:
        """A unit of work for one use case of a request."""
        return UnitOfWork(self.database, self.caches, request_id, actor, break_glass)

    def client(self, address: Address | None, browser: str | None = None) -> ClientContext:
        """What a use case is told of a call from the address."""
        return ClientContext(self.settings, self.limits, address, self.mail_waits.set, browser)

    async def close(self) -> None:
        """Writes down what is only in memory, and gives the database back."""
        await self.token_uses.flush()
        await self.session_uses.flush()
        await self.database.close()

    async def _note_uses(self, note: NoteUses, uses: Mapping[str, datetime]) -> None:
        async with self.unit(new_request_id()) as uow:
            await note(uow, uses)
