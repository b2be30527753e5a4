"""Event streams that are open on this node: what each is told of its environment, and which of them end.

A stream has no queue and no task. It knows the version that it was told last; what it is told next is all that has
changed since then, put together when its client is ready for it, and once for all streams that are told the same.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Protocol

import orjson
import structlog

from app.access.entry import Entry
from app.access.known import sees
from app.domain.actors import Actor, Token
from app.domain.errors import AppError
from app.domain.ids import new_request_id
from app.domain.operations import Operation
from app.engine.kinds import SPECS
from app.engine.ruleset import Part, Ruleset
from app.runtime.by_id import ById
from app.runtime.clock import Clock
from app.runtime.credentials import Callers, LiveApiKey
from app.runtime.rulesets import Resources
from app.runtime.slots import Slots
from app.services.evaluation import changed_since
from app.services.following import caller_ids
from app.store.changeset import Commit
from app.store.host import Host
from app.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
BEAT_SECONDS = 15
"""A stream on which nothing happens says so as often, before proxies take it for dead."""
_HEARTBEAT = b":\n\n"


class Line(Protocol):
    """The connection of a stream. While it `is_full` its client has not read what was written before."""

    is_full: bool

    def write(self, data: bytes) -> None: ...

    def end(self) -> None: ...


class Stream:
    """`told` is the version that the client knows, `slot` what it has of its actor's number of streams."""

    __slots__ = ("follower", "line", "slot", "told")

    def __init__(self, follower: "Follower", line: Line, told: int, slot: str) -> None:
        self.follower = follower
        self.line = line
        self.told = told
        self.slot = slot


class Followed(NamedTuple):
    """Who follows which environment of which organisation, and by which operation they may."""

    credential_id: str
    org_id: str
    environment_id: str
    operation: Operation


class Follower:
    """All streams of one credential that are told the same."""

    __slots__ = ("actor", "expires_at", "followed", "streams")

    def __init__(self, followed: Followed, actor: Actor, expires_at: float) -> None:
        self.followed = followed
        self.actor = actor
        self.expires_at = expires_at
        self.streams: set[Stream] = set()

    @property
    def ids(self) -> set[str]:
        """What concerns them when it changes or ends."""
        return {self.followed.environment_id, self.followed.org_id, *caller_ids(self.actor)}


class EventStreams:
    def __init__(
        self, unit: Callable[[str, Actor], UnitOfWork], host: Host, callers: Callers, slots: Slots, clock: Clock
    ) -> None:
        self._unit = unit
        self._host = host
        self._callers = callers
        self._slots = slots
        self._clock = clock
        self._followers: dict[Followed, Follower] = {}
        self._by_id = ById[Follower]()
        self._telling: dict[str, asyncio.Task[None]] = {}  # by environment
        self._due: set[str] = set()  # environments whose streams are to be told, and are not
        self._retargeted: dict[str, int] = {}  # the last version of an environment in which no state changed
        self._second = 0

    def __len__(self) -> int:
        return sum(len(follower.streams) for follower in self._followers.values())

    def add(self, followed: Followed, actor: Actor, line: Line, told: int, slot: str) -> Callable[[], None]:
        """A stream whose client knows the version `told`. What comes back is to be called when its line is gone."""
        follower = self._followers.get(followed)
        if follower is None:
            # As if it had expired: the next beat looks at it, should its credential have ended meanwhile.
            follower = self._followers[followed] = Follower(followed, actor, 0.0)
            self._by_id.add(follower, follower.ids)
        stream = Stream(follower, line, told, slot)
        follower.streams.add(stream)
        present = self._host.rulesets.present(followed.environment_id)
        if present is None or present.version != told:
            self.tell(followed.environment_id)  # what was committed since `told` was looked up
        return partial(self._remove, stream)

    def follow(self, commit: Commit) -> None:
        """Tells those who follow what the commit has changed, and looks again at those whom it concerns."""
        for follower in self._by_id.of(*commit.deleted_environment_ids):
            self._end(follower)
        for environment in commit.environments:
            if environment.environment_id in self._by_id:
                if not environment.deltas:
                    self._retargeted[environment.environment_id] = environment.version
                self.tell(environment.environment_id)
        roles = (one.org_id for one in commit.audited if one.resource_type == "member" and one.org_id)
        for follower in self._by_id.of(*commit.invalidated, *roles):
            self.tell(follower.followed.environment_id)

    def tell(self, environment_id: str) -> None:
        """Whoever may not follow it any more is not told, and their streams end."""
        self._due.add(environment_id)
        if environment_id not in self._telling:
            self._telling[environment_id] = asyncio.create_task(self._tell(environment_id))

    async def beat(self) -> float:
        """To be called every second: heartbeats, ends that no commit tells of, and what could not be told before."""
        self._second = (self._second + 1) % BEAT_SECONDS
        for follower in list(self._followers.values()):
            beats = hash(follower.followed) % BEAT_SECONDS == self._second
            if follower.expires_at <= self._clock.posix() or (beats and not isinstance(follower.actor, Token)):
                self.tell(follower.followed.environment_id)
            if beats:
                for stream in follower.streams:
                    if not stream.line.is_full:
                        stream.line.write(_HEARTBEAT)
                await asyncio.sleep(0)
        for environment_id in self._due:
            self.tell(environment_id)
        return 1.0

    def close(self) -> None:
        """Ends all of them."""
        for task in self._telling.values():
            task.cancel()
        for follower in list(self._followers.values()):
            self._end(follower)

    async def _tell(self, environment_id: str) -> None:
        try:
            while environment_id in self._due:
                self._due.discard(environment_id)
                await self._tell_followers(environment_id)
        except Exception as fault:
            self._due.add(environment_id)  # until the next beat
            if not isinstance(fault, AppError):
                log.exception("streams are not told", environmentId=environment_id)
        finally:
            del self._telling[environment_id]

    async def _tell_followers(self, environment_id: str) -> None:
        try:
            ruleset = await self._host.rulesets.snapshot(environment_id)
        except AppError as error:
            if error.code == "not_found":  # their streams have ended with it
                return
            raise
        telling, failed = Telling(ruleset, self._retargeted.get(environment_id, 0)), None
        for follower in self._by_id.of(environment_id):
            try:
                await self._tell_follower(follower, telling)
            except Exception as fault:  # noqa: BLE001 - it is raised when the others are told
                failed = failed or fault
            await asyncio.sleep(0)  # so that nobody waits for all of them
        if failed is not None:
            raise failed

    async def _tell_follower(self, follower: Follower, telling: "Telling") -> None:
        ruleset = telling.ruleset
        try:
            live = await self._callers.again(follower.actor)
            follower.expires_at = live.expires_at
            resources: Resources | None = None
            if isinstance(live, LiveApiKey):
                follower.actor, resources = live.actor, None if live.sees_all else live.actor.resources
            else:
                follower.actor = live.member
            async with self._unit(new_request_id(), follower.actor) as uow:
                await self._require(uow, live, follower.followed)
                for stream in list(follower.streams):
                    if stream.told < ruleset.version and not stream.line.is_full:
                        event = await telling.event(uow, follower.followed.operation, stream.told, resources)
                        if event and stream in follower.streams:
                            stream.line.write(event)
                        stream.told = ruleset.version
        except AppError as error:
            if error.code == "unavailable":
                raise
            self._end(follower)

    async def _require(self, uow: UnitOfWork, live: object, followed: Followed) -> None:
        """Raises `not_found`, or what the policy denies. A token that is known costs no query."""
        if isinstance(live, LiveApiKey):
            place = self._host.directory.place(followed.environment_id, live.actor.org_id)
            if place is not None and live.may(followed.operation, place):
                return
        await Entry.of_environment(followed.environment_id, followed.operation).enter(uow)

    def _end(self, follower: Follower) -> None:
        for stream in list(follower.streams):
            stream.line.end()
            self._remove(stream)

    def _remove(self, stream: Stream) -> None:
        follower = stream.follower
        if stream not in follower.streams:
            return
        follower.streams.discard(stream)
        self._slots.give_back(stream.slot)
        if not follower.streams:
            del self._followers[follower.followed]
            self._by_id.discard(follower, follower.ids)
            if follower.followed.environment_id not in self._by_id:
                self._retargeted.pop(follower.followed.environment_id, None)


class Telling:
    """One version, and what is told of it, each text once. At the version `retargeted` ids came from another field."""

    def __init__(self, ruleset: Ruleset, retargeted: int) -> None:
        self.ruleset = ruleset
        self._retargeted = retargeted
        self._events: dict[tuple[Operation, int, Resources | None], bytes] = {}

    async def event(self, uow: UnitOfWork, operation: Operation, told: int, resources: Resources | None) -> bytes:
        """What has changed since the version `told`, for who may see that; empty if nothing has."""
        asked = operation, told, resources
        if (event := self._events.get(asked)) is None:
            part = await missed(uow, self.ruleset, told, resources)
            nothing = told >= self._retargeted and is_empty(part)
            event = self._events[asked] = b"" if nothing else EVENTS[operation](self.ruleset, part)
        return event


async def missed(uow: UnitOfWork, ruleset: Ruleset, told: int, resources: Resources | None) -> Part:
    """What has changed since the version `told`; everything, without `since`, if that is not known."""
    if told == ruleset.version:
        return Part(frozenset(), told)
    seen = None if resources is None else partial(sees, resources)
    if (part := await changed_since(uow, ruleset, told, seen)) is not None:
        return part
    everything = await uow.host.rulesets.readable(ruleset, resources)
    return everything._replace(since=0) if told == 0 else everything  # before its first version there was nothing


def is_empty(part: Part) -> bool:
    return part.nodes is not None and not part.nodes and not part.removed


def ruleset_event(ruleset: Ruleset, part: Part) -> bytes:
    """The keys that changed, and that are gone. If that is not complete, it is all keys that there are."""
    changed: dict[str, list[str]] = {spec.plural: [] for spec in SPECS.values()}
    removed: dict[str, list[str]] = {spec.plural: [] for spec in SPECS.values()}
    for kind, keys in ruleset.documents.items():
        if part.nodes is None:
            changed[SPECS[kind].plural] += sorted(keys)
    for one in sorted(part.nodes or ()):
        if (of_kind := ruleset.kind_of(one)) is not None:
            changed[SPECS[of_kind].plural].append(one.key)
    for kind, key in sorted(part.removed):
        removed[SPECS[kind].plural].append(key)
    is_complete = part.since is not None
    told = {"version": ruleset.version, "changed": changed, "removed": removed, "complete": is_complete}
    return b"id: %d\nevent: ruleset\ndata: %b\n\n" % (ruleset.version, orjson.dumps(told))


def refetch_event(ruleset: Ruleset, part: Part) -> bytes:  # noqa: ARG001
    """What OpenFeature's clients are told: to ask again."""
    told: dict[str, Any] = {"type": "refetchEvaluation", "etag": f'"{ruleset.version}"'}
    if ruleset.version_at is not None:
        told["lastModified"] = int(ruleset.version_at.timestamp())
    return b"id: %d\ndata: %b\n\n" % (ruleset.version, orjson.dumps(told))


EVENTS: dict[Operation, Callable[[Ruleset, Part], bytes]] = {
    Operation.READ_STATE: ruleset_event,
    Operation.EVALUATE: refetch_event,
}
