"""What one process holds for its lifetime: the database, the caches, the buckets, the keys. Built by `open_node`."""

import asyncio
from typing import Self

from app.access.paging import CursorCodec
from app.domain.actors import Actor
from app.domain.ids import new_request_id
from app.domain.tickets import TicketCodec
from app.runtime.clock import Clock
from app.runtime.credentials import Callers, api_key_cache, session_cache
from app.runtime.directory import Directory
from app.runtime.event_streams import EventStreams
from app.runtime.followers import Followers
from app.runtime.rate_limits import Buckets, MemoryBuckets, MemoryLimits
from app.runtime.refusals import Refusals
from app.runtime.rulesets import RulesetCache
from app.runtime.schema_checks import SchemaChecks
from app.runtime.slots import Slots
from app.runtime.token_usage import TokenUsages
from app.runtime.traffic import Traffic
from app.runtime.usage import Usage
from app.runtime.worker_thread import WorkerThread
from app.services import instance
from app.services.streams import addresses, ticket_of
from app.services.throttling import PREVIEWS, STREAMS, TOO_MANY_PREVIEWS, TOO_MANY_STREAMS
from app.settings import Settings
from app.store.changeset import Commit
from app.store.engines import Database
from app.store.host import NO_CLIENT, Client, Host
from app.store.traffic_sample import samplings
from app.store.unit_of_work import UnitOfWork


class Node:
    """Shared by all requests of the process. `host` is what use cases see of it."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        self.settings = settings
        self.database = database
        self.clock = clock
        self.off_loop = WorkerThread()
        self.schema_checks = SchemaChecks()
        self.rulesets = RulesetCache(database, clock)
        self.directory = Directory(clock.monotonic)
        self.api_keys = api_key_cache(database, clock, settings.max_rate_per_min)
        self.sessions = session_cache(database, clock)
        self.callers = Callers(database, clock, settings.max_rate_per_min)
        self.buckets: Buckets = MemoryBuckets(lambda: int(clock.monotonic() * 1_000_000))
        self.refusals = Refusals(clock)
        self.traffic = Traffic(clock.now)
        self.token_usages = TokenUsages(clock)
        self.usage = Usage(clock, self.token_usages)
        self.previews = Slots(PREVIEWS, TOO_MANY_PREVIEWS)
        self.streams = Slots(STREAMS, TOO_MANY_STREAMS)
        self.followers = Followers()
        self.mail_waits = asyncio.Event()
        self.host = Host(
            settings=settings,
            now=clock.now,
            rate_limits=MemoryLimits(clock.monotonic),
            rulesets=self.rulesets,
            directory=self.directory,
            traffic=self.traffic,
            off_loop=self.off_loop,
            check_schema=self.schema_checks,
            wake_mail=self.mail_waits.set,
            note_refusal=self.refusals.note,
            note_evaluations=self.usage.note,
            on_commit=(self._update_caches,),
        )
        self.event_streams = EventStreams(self.unit, self.host, self.callers, self.streams, clock)
        self._cursors: CursorCodec | None = None
        self._tickets: TicketCodec | None = None

    @property
    def cursors(self) -> CursorCodec:
        """What signs cursors, once the node is open."""
        if self._cursors is None:
            raise RuntimeError("the node is not open")
        return self._cursors

    @property
    def tickets(self) -> TicketCodec:
        """What signs tickets for event streams, once the node is open."""
        if self._tickets is None:
            raise RuntimeError("the node is not open")
        return self._tickets

    def event_streams_for(self, actor: Actor, environment_id: str) -> bytes:
        """Where the actor hears of the environment's changes, as OpenFeature's protocol says it."""
        return addresses(self.tickets, self.settings.base_path, ticket_of(actor, environment_id))

    def unit(
        self,
        request_id: str,
        actor: Actor | None = None,
        client: Client = NO_CLIENT,
        break_glass: str | None = None,
    ) -> UnitOfWork:
        """A unit of work for one use case of a request."""
        return UnitOfWork(self.database, self.host, request_id, actor, client=client, break_glass=break_glass)

    async def open(self) -> Self:
        """Reads, or makes, what the instance's row holds."""
        async with self.unit(new_request_id()) as uow:
            row = await instance.prepare(uow, self.settings)
        self._cursors = CursorCodec(row.signing_key)
        await self.follow_samplings()
        self._tickets = TicketCodec(row.signing_key)
        return self

    async def follow_samplings(self) -> None:
        """Reads what environments sample, as other nodes may have set it."""
        async with self.unit(new_request_id()) as uow:
            self.traffic.follow_all(await samplings(uow.session))

    def _update_caches(self, commit: Commit) -> None:
        self.api_keys.invalidate(commit.invalidated)
        self.sessions.invalidate(commit.invalidated)
        self.callers.invalidate(commit.invalidated)
        self.directory.follow(commit)
        self.rulesets.take_in(commit)
        self.traffic.forget(commit.deleted_environment_ids)
        self.followers.follow(commit)
        self.event_streams.follow(commit)

    async def close(self) -> None:
        self.followers.close()
        self.event_streams.close()
        self.off_loop.close()
        self.schema_checks.close()
        self.rulesets.close()
        await self.database.close()
