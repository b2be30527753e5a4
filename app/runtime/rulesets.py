"""Compiled rulesets in memory: one immutable snapshot for each environment, swapped after the commit; and encoded ones.

A snapshot is loaded when first asked for and then takes in only what each commit changed, so that a read after a write
sees it on the node that took the write.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

import structlog

from app.access.known import sees
from app.domain.actors import ResourcePattern
from app.domain.errors import AppError, not_found
from app.engine.kinds import SPECS, Kind
from app.engine.ruleset import WHOLE, DamagedState, Part, Ruleset, StoredState
from app.runtime import pauses
from app.runtime.clock import Clock
from app.runtime.encoded import FAST_LEVEL, Encoded
from app.runtime.worker_thread import WorkerThread
from app.store import past, rulesets
from app.store.changeset import Commit, EnvironmentCommit
from app.store.engines import Database
from app.store.engines.busy import refusing_if_busy
from app.store.past import Past
from app.store.rulesets import RulesetRows

log = structlog.get_logger()
K = TypeVar("K")
V = TypeVar("V")
Resources = tuple[ResourcePattern, ...]
MAX_PAST = 16  # rulesets of past versions, which share with the present one what has not changed
MAX_ENCODED = 16  # as many scopes of tokens are served a version without encoding it again
WAIT_SECONDS = 1.0  # for a version that has not come yet
NO_RULESET = (
    "The environment has no ruleset before its first write. Create a flag, config or segment, or set one in this "
    "environment, even to what it has."
)


class Scoped(NamedTuple):
    """What was put together of one ruleset: what of it tokens with such resources may read, and parts as text."""

    parts: dict[Resources, Part]
    encoded: dict[Part, Encoded]


class RulesetCache:
    """The snapshots of this node."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._clock = clock
        self.load = rulesets.load
        self._database = database
        self._compiling = WorkerThread()
        self._generating = WorkerThread()
        self._snapshots: dict[str, Ruleset] = {}
        self._loading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._missed: dict[str, list[EnvironmentCommit]] = {}  # by environment, while one is read
        self._changed: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()  # who waits for a version
        self.looked_up = self.read = 0
        self._past: dict[tuple[str, int], Ruleset] = {}  # what was asked for last comes last
        self._scoped: WeakKeyDictionary[Ruleset, Scoped] = WeakKeyDictionary()

    async def get(self, environment_id: str, min_version: int = 0) -> Ruleset:
        """The environment's present ruleset. Raises `ruleset_not_cached` at version 0.

        It waits for a second until the environment has reached the version, and raises `unavailable` then.
        """
        snapshot = await self.snapshot(environment_id)
        if snapshot.version < min_version:
            snapshot = await self._reached(environment_id, min_version)
        if snapshot.version == 0:
            raise AppError("ruleset_not_cached", NO_RULESET)
        return snapshot

    async def snapshot(self, environment_id: str, committed: int = 0) -> Ruleset:
        """What the environment has now, at version 0 too: what was made in the project before its first write.

        `committed` is a version that it has reached, though this node may not have been told so yet.
        """
        self.looked_up += 1
        while (snapshot := self._snapshots.get(environment_id) or await self._load(environment_id)).version < committed:
            self._snapshots.pop(environment_id, None)
        return snapshot

    async def _reached(self, environment_id: str, version: int) -> Ruleset:
        """The environment's ruleset as soon as a commit has brought it to the version."""
        snapshot = await self.snapshot(environment_id)
        try:
            async with self._clock.timeout(WAIT_SECONDS):
                while snapshot.version < version:
                    changed = self._changed.setdefault(environment_id, asyncio.Event())
                    await changed.wait()
                    snapshot = await self.snapshot(environment_id)
        except TimeoutError:
            short = f"The environment is at version {snapshot.version} and has not reached the one asked for."
            raise AppError("unavailable", short) from None
        return snapshot

    async def at(self, environment_id: str, version: int, target_id_field: str) -> Ruleset:
        """The environment's ruleset at a version that it has reached, when ids came from the field."""
        present = await self.get(environment_id)
        if present.version <= version:
            return present
        found = self._past.pop((environment_id, version), None)
        if found is None:
            with refusing_if_busy():
                async with self._database.reading() as session:
                    rows = await past.load(session, environment_id, version, present.version)
            with _told_if_damaged(environment_id):
                found = await self._compiling(partial(_restored, present, version, target_id_field, rows))
        self._past[environment_id, version] = found
        while len(self._past) > MAX_PAST:
            del self._past[next(iter(self._past))]
        return found

    def in_memory(self) -> list[Ruleset]:
        """The snapshots that the node has now."""
        return list(self._snapshots.values())

    def present(self, environment_id: str) -> Ruleset | None:
        """The environment's present ruleset, if it has one that is in memory."""
        self.looked_up += 1
        snapshot = self._snapshots.get(environment_id)
        return None if snapshot is None or snapshot.version == 0 else snapshot

    async def readable(self, ruleset: Ruleset, resources: Resources | None) -> Part:
        """What of the ruleset a caller with these resources may read, and what that needs; None: everything."""
        if resources is None:
            return WHOLE
        parts = self._of(ruleset).parts
        if (found := parts.get(resources)) is None:
            found = await self._compiling(partial(_readable, ruleset, resources))
            _keep(parts, resources, found)
        return found

    async def encoded(self, ruleset: Ruleset, part: Part) -> Encoded:
        """The document of the ruleset or of a part: put together when first asked for. Differences are not kept."""
        encoded = self._of(ruleset).encoded
        if (found := encoded.get(part)) is None:
            found = Encoded(await self._compiling(partial(ruleset.encode, part)), FAST_LEVEL)
            if part.since is None:
                _keep(encoded, part, found)
        return found

    def already_encoded(self, ruleset: Ruleset, resources: Resources | None) -> Encoded | None:
        """The document of what a caller with these resources may read, if it is in memory."""
        of_ruleset = self._of(ruleset)
        part = WHOLE if resources is None else of_ruleset.parts.get(resources)
        return None if part is None else of_ruleset.encoded.get(part)

    def _of(self, ruleset: Ruleset) -> Scoped:
        if (found := self._scoped.get(ruleset)) is None:
            found = self._scoped[ruleset] = Scoped({}, {})
        return found

    def take_in(self, commit: Commit) -> None:
        """Follows a commit. A snapshot that cannot follow is forgotten, and loaded when next asked for."""
        for environment_id in commit.deleted_environment_ids:
            self._snapshots.pop(environment_id, None)
            self._missed.pop(environment_id, None)
            self._loading.pop(environment_id, None)
        for change in commit.environments:
            snapshot = self._snapshots.get(change.environment_id)
            if snapshot is None:
                self._missed.get(change.environment_id, []).append(change)
            elif snapshot.version < change.version:
                del self._snapshots[change.environment_id]
                if (following := _advanced(snapshot, change)) is not None:
                    self._snapshots[change.environment_id] = following
        for environment_id in (*commit.deleted_environment_ids, *(one.environment_id for one in commit.environments)):
            if (changed := self._changed.pop(environment_id, None)) is not None:
                changed.set()

    def close(self) -> None:
        """No further ruleset is loaded."""
        self._compiling.close()
        self._generating.close()

    async def _load(self, environment_id: str) -> Ruleset:
        """Loads once for all who ask at the same moment, and takes in what was committed while it read."""
        async with self._loading[environment_id]:
            while (snapshot := self._snapshots.get(environment_id)) is None:
                missed = self._missed[environment_id] = []
                try:
                    read = await self._read(environment_id)
                finally:
                    waited = self._missed.pop(environment_id, None)
                caught_up = _caught_up(read, missed) if waited is missed else None
                if caught_up is not None:
                    self._snapshots[environment_id] = caught_up
        return snapshot

    async def _read(self, environment_id: str) -> Ruleset:
        self.read += 1
        with refusing_if_busy():
            async with self._database.reading() as session:
                rows = await self.load(session, environment_id)
        if rows is None:
            raise not_found("environment")
        environment = rows.environment
        of_row = environment.id, environment.version, environment.target_id_field
        version_at = environment.version_at
        with _told_if_damaged(environment.id):
            found = await self._compiling(
                lambda: Ruleset.of(*of_row, _stored(rows), version_at, self._generating.later)
            )
        pauses.much_was_made()
        return found


def _readable(ruleset: Ruleset, resources: Resources) -> Part:
    return Part(frozenset(ruleset.needed(ruleset.readable(partial(sees, resources)))))


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    if len(kept) >= MAX_ENCODED:
        kept.clear()
    kept[key] = value


@contextmanager
def _told_if_damaged(environment_id: str) -> Iterator[None]:
    try:
        yield
    except DamagedState as fault:
        log.exception("ruleset cannot be compiled", environmentId=environment_id)
        raise AppError("unavailable", "The environment's stored ruleset is corrupt.") from fault


def _restored(present: Ruleset, version: int, target_id_field: str, then: Past) -> Ruleset:
    """The ruleset of a past version, in the place of the present one."""
    made_since = {(kind, key) for kind, of_kind in present.documents.items() for key in of_kind} - then.keys
    return present.with_changes(version, target_id_field, then.changed, made_since)


def _stored(rows: RulesetRows) -> Iterator[StoredState]:
    entries = defaultdict[tuple[str, str], set[str]](set)
    for primitive_id, name, entry in rows.entries:
        entries[primitive_id, name].add(entry)
    for primitive_id, kind, *state in rows.states:
        of_kind = Kind(kind)
        dimensions = [one for one in SPECS[of_kind].dimensions if one.entries]
        lists: dict[str, Any] = {one.field: frozenset(entries.get((primitive_id, one.name), ())) for one in dimensions}
        yield StoredState(of_kind, *state, **lists)


def _caught_up(snapshot: Ruleset, missed: Sequence[EnvironmentCommit]) -> Ruleset | None:
    """The snapshot with what was committed while it was read; None where that must be read again."""
    for change in sorted(missed, key=lambda change: change.version):
        if change.version > snapshot.version:
            if (following := _advanced(snapshot, change)) is None:
                return None
            snapshot = following
    return snapshot


def _advanced(snapshot: Ruleset, change: EnvironmentCommit) -> Ruleset | None:
    """The snapshot with one commit more; None where it is not the next one, or cannot be compiled."""
    if change.version != snapshot.version + 1:
        return None
    changed = [delta.state for delta in change.deltas if delta.state is not None]
    removed = {(delta.kind, delta.key) for delta in change.deltas if delta.state is None}
    try:
        return snapshot.with_changes(change.version, change.target_id_field, changed, removed, change.version_at)
    except DamagedState:
        log.exception("ruleset cannot be compiled", environmentId=snapshot.environment_id)
        return None
