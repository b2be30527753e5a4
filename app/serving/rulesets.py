"""Compiled rulesets in memory: one immutable snapshot for each environment, swapped after the commit.

A snapshot is loaded when first asked for and then takes in only what each commit changed, so that a read after a write
sees it on the node that took the write.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence

import structlog

from app.domain.errors import AppError, not_found
from app.domain.evaluation import CompiledRuleset, FlagState
from app.models import Primitive, State
from app.store import rulesets
from app.store.engines import Database
from app.store.unit_of_work import EnvironmentChange

log = structlog.get_logger()


class RulesetCache:
    """The snapshots of this node."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._snapshots: dict[str, CompiledRuleset] = {}
        self._loading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._missed: dict[str, list[EnvironmentChange]] = {}  # by environment, while one is read

    async def get(self, environment_id: str) -> CompiledRuleset:
        """The environment's present ruleset. Raises `ruleset_not_cached` at version 0."""
        snapshot = self._snapshots.get(environment_id) or await self._load(environment_id)
        if snapshot.version == 0:
            raise AppError("ruleset_not_cached")
        return snapshot

    def committed(self, changes: Sequence[EnvironmentChange], gone: Sequence[str]) -> None:
        """Takes in a commit. A snapshot that cannot follow is forgotten, and loaded when next asked for."""
        for environment_id in gone:
            self._snapshots.pop(environment_id, None)
            self._loading.pop(environment_id, None)
        for change in changes:
            snapshot = self._snapshots.get(change.environment.id)
            if snapshot is None:
                self._missed.get(change.environment.id, []).append(change)
                continue
            if snapshot.version + 1 == change.version:
                self._snapshots[change.environment.id] = _advanced(snapshot, change)
            elif snapshot.version < change.version:
                del self._snapshots[change.environment.id]

    async def _load(self, environment_id: str) -> CompiledRuleset:
        """Loads once for all who ask at the same moment, and takes in what was committed while it read."""
        async with self._loading[environment_id]:
            while (snapshot := self._snapshots.get(environment_id)) is None:
                missed = self._missed[environment_id] = []
                try:
                    read = await self._read(environment_id)
                finally:
                    del self._missed[environment_id]
                if (caught_up := _caught_up(read, missed)) is not None:
                    self._snapshots[environment_id] = caught_up
        return snapshot

    async def _read(self, environment_id: str) -> CompiledRuleset:
        async with self._database.reading() as session:
            rows = await rulesets.load(session, environment_id)
        if rows is None:
            raise not_found("environment")
        flags = {current.primitive.key: _compiled(current.primitive, current.state) for current in rows.states}
        return CompiledRuleset(environment_id, rows.environment.version, rows.environment.target_id_field, flags)


def _caught_up(snapshot: CompiledRuleset, missed: Sequence[EnvironmentChange]) -> CompiledRuleset | None:
    """The snapshot with what was committed while it was read; None where one commit has not been told yet."""
    for change in sorted(missed, key=lambda change: change.version):
        if change.version == snapshot.version + 1:
            snapshot = _advanced(snapshot, change)
        elif change.version > snapshot.version:
            return None
    return snapshot


def _advanced(snapshot: CompiledRuleset, change: EnvironmentChange) -> CompiledRuleset:
    changed = {
        item.primitive.key: _compiled(item.primitive, item.state) for item in change.states if item.state is not None
    }
    removed = [item.primitive.key for item in change.states if item.state is None]
    return snapshot.with_changes(change.version, change.environment.target_id_field, changed, removed)


def _compiled(primitive: Primitive, state: State) -> FlagState:
    return FlagState(
        type=primitive.value_type,
        default_value=json.loads(state.default_value),
        killed=state.killed,
        rules=tuple(json.loads(state.rules)),
    )
