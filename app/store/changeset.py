"""What one transaction changes: collected while a use case runs, written at the commit, then passed on.

The rows refer to what is there already, and what they hold is known, so they are written past the ORM, which would
take several times as long.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import Insert, Integer, String, bindparam, insert, inspect, select, update
from sqlalchemy import Table as SqlTable
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import col

from app.domain.ids import new_id
from app.domain.lists import standing_of
from app.engine.kinds import Dimension, Kind
from app.engine.references import Reference
from app.engine.rules import Rule
from app.engine.ruleset import StoredState
from app.engine.target_ids import EntryChange
from app.models import (
    AuditEvent,
    AuditVersion,
    Environment,
    EnvironmentVersion,
    Primitive,
    State,
    StateEntry,
    StateReference,
    Table,
)
from app.store.pieces import pieces

_ROWS_A_STATEMENT = 1000
ENTRY_OVERHEAD = 100
"""What an entry of a list takes in memory beside its bytes."""
_CARRIED = ("id", "default_value", "rules", "killed", "allow_list_size", "deny_list_size", "entry_bytes")
Values = dict[str, Any]
EntryChanges = Mapping[Dimension, EntryChange]


class Delta(NamedTuple):
    """What became of one key in an environment: its state from now on, or None where it is gone."""

    kind: Kind
    key: str
    state: StoredState | None


class EnvironmentCommit(NamedTuple):
    """The version that a commit made of an environment, when, and what changed from the one before."""

    environment_id: str
    version: int
    version_at: datetime
    target_id_field: str
    deltas: tuple[Delta, ...]
    project_id: str = ""


class Audited(NamedTuple):
    """What an audit event says that something was done to, by the event's words."""

    action: str
    resource_type: str
    resource_key: str
    org_id: str | None
    project_id: str | None
    environment_id: str | None
    proposal_id: str | None


class Commit(NamedTuple):
    """What a transaction changed, for those who act after it: caches, feeds.

    `invalidated` are ids of tokens and sessions, or of the organisations and users whose tokens and sessions are to be
    read again before they are trusted.
    """

    environments: tuple[EnvironmentCommit, ...] = ()
    deleted_environment_ids: tuple[str, ...] = ()
    invalidated: tuple[str, ...] = ()
    audited: tuple[Audited, ...] = ()


@dataclass(slots=True)
class EnvironmentChanges:
    """What is to change in an environment at its next version."""

    environment: Environment
    version: int
    deltas: list[Delta] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)  # primitives whose state has an end now
    deleted: list[str] = field(default_factory=list)  # primitives that are gone with all that they hold
    states: list[State] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)  # primitives whose rules refer to something else now
    references: list[Values] = field(default_factory=list)
    entries: dict[str, EntryChanges] = field(default_factory=dict)  # by primitive
    seeded: dict[str, str] = field(default_factory=dict)  # new primitives, and whose entries of theirs are copied
    copied_from: str | None = None  # the environment whose entries and references this one gets


class Changeset:
    """`now` is the transaction's one instant."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.events: list[AuditEvent] = []
        self.environments: dict[str, EnvironmentChanges] = {}
        self._deleted_environment_ids: list[str] = []
        self._invalidated: list[str] = []

    def raise_version(self, environment: Environment) -> EnvironmentChanges:
        """Raises the version with the environment's first change in this transaction; later changes share it."""
        if (changes := self.environments.get(environment.id)) is None:
            environment.version += 1
            # Not before its predecessor's time, should the clock have been set back.
            environment.version_at = max(self.now, environment.version_at)
            changes = self.environments[environment.id] = EnvironmentChanges(environment, environment.version)
        return changes

    def retarget(self, environment: Environment, target_id_field: str) -> None:
        """Ids come from another field: a change of state in every environment that has been written to."""
        if environment.target_id_field != target_id_field:
            environment.target_id_field = target_id_field
            if environment.version > 0:
                self.raise_version(environment)

    def write_state(
        self,
        environment: Environment,
        primitive: Primitive,
        current: State | None,
        *,
        actor: Values,
        references: Iterable[Reference] | None = None,
        parsed: tuple[Rule, ...] | None = None,
        entries: EntryChanges | None = None,
        as_in: str | None = None,
        **values: Any,
    ) -> State:
        """The primitive's state from the next version on: `current` with `values`, or a first one.

        `references` are those of the rules, where these change, and `parsed` the rules themselves. `entries` are what
        lists really get and lose; `as_in` is an environment in which this transaction has written the same ones.
        """
        changes = self.raise_version(environment)
        carried = {} if current is None else {name: getattr(current, name) for name in _CARRIED}
        entries = entries or {}
        state = State(
            **{**carried, **values},
            from_version=changes.version,
            environment_id=environment.id,
            primitive_id=primitive.id,
            updated_at=environment.version_at,
            updated_by=actor,
        )
        for dimension, (added, removed) in entries.items():
            size = getattr(state, dimension.size_field)
            setattr(state, dimension.size_field, size + len(added) - len(removed))
            state.entry_bytes += _bytes(added) - _bytes(removed)
        if entries:
            changes.entries[primitive.id] = entries
        if as_in is not None:
            changes.seeded[primitive.id] = as_in
        make_findable(state, primitive)
        environment.state_bytes += size_of(state) - (0 if current is None else size_of(current))
        changes.states.append(state)
        stored = stored_state(primitive, state, {one.field: change for one, change in entries.items()})
        changes.deltas.append(Delta(primitive.kind, primitive.key, stored._replace(parsed=parsed)))
        if current is not None:
            changes.ended.append(primitive.id)
        if references is not None:
            if current is not None:
                changes.rewritten.append(primitive.id)
            changes.references += [
                {"primitive_id": primitive.id, "path": path, "target_kind": to.kind, "target_key": to.key}
                for path, to in references
            ]
        return state

    def end_state(self, environment: Environment, primitive: Primitive, size: int) -> None:
        """The primitive, whose state has that size, is gone from the environment's next version on."""
        changes = self.raise_version(environment)
        environment.state_bytes -= size
        changes.deltas.append(Delta(primitive.kind, primitive.key, None))
        changes.deleted.append(primitive.id)

    def copy_rows(self, environment: Environment, source_id: str) -> None:
        """Gives a new environment the entries and references that another one has now; its states are copies, too.

        They are copied within the database, so the commit does not have them: nobody has the new ruleset yet.
        """
        self.raise_version(environment).copied_from = source_id

    def entries_of(self, environment_id: str, primitive_id: str) -> EntryChanges:
        """What a state's lists get and lose at the commit."""
        changes = self.environments.get(environment_id)
        return {} if changes is None else changes.entries.get(primitive_id, {})

    def delete_environments(self, environment_ids: Iterable[str]) -> None:
        """The environments are deleted with a row above them, or by themselves."""
        self._deleted_environment_ids.extend(environment_ids)

    def invalidate(self, *ids: str) -> None:
        """What a cache knows of these tokens and sessions, or of all those of these organisations and users, holds no
        longer."""
        self._invalidated.extend(ids)

    def committed(self) -> Commit:
        """What handlers get once all is written."""
        environments = (
            EnvironmentCommit(
                of.environment.id,
                of.version,
                of.environment.version_at,
                of.environment.target_id_field,
                tuple(of.deltas),
                of.environment.project_id,
            )
            for of in self.environments.values()
        )
        audited = (Audited(*(getattr(event, name) for name in Audited._fields)) for event in self.events)
        return Commit(
            tuple(environments), tuple(self._deleted_environment_ids), tuple(self._invalidated), tuple(audited)
        )

    def doubt(self) -> Commit:
        """What handlers get if a commit failed but may have taken effect: all that may have changed, to forget."""
        return Commit((), (*self.environments, *self._deleted_environment_ids), tuple(self._invalidated))

    async def write(self, session: AsyncSession) -> None:
        """All of it. A state that was current ends before the next begins, for only one may be current."""
        connection, changed = await session.connection(), list(self.environments.values())
        versions = [
            {
                "environment_id": of.environment.id,
                "version": of.version,
                "at": of.environment.version_at,
                "target_id_field": of.environment.target_id_field,
            }
            for of in changed
        ]
        await _insert(connection, EnvironmentVersion, versions)
        for of in changed:
            await _end(connection, of)
        await _insert(connection, State, [_values(state) for of in changed for state in of.states])
        references = [
            {"environment_id": of.environment.id, "from_version": of.version, "to_version": None, **row}
            for of in changed
            for row in of.references
        ]
        await _insert(connection, StateReference, references)
        for of in changed:
            await _write_entries(connection, of)
        await _insert(connection, AuditEvent, [_values(event) for event in self.events])
        audited = [
            {
                "id": new_id(),
                "created_at": event.created_at,
                "event_id": event.id,
                "environment_id": of.environment.id,
                "version": of.version,
            }
            for event in self.events
            for of in changed
        ]
        await _insert(connection, AuditVersion, audited)


def make_findable(state: State, primitive: Primitive) -> None:
    """Sets what lists find the primitive's state by."""
    state.standing = standing_of(primitive.value_type, state.default_value, state.rules, killed=state.killed)
    state.updated_by_id = state.updated_by["id"]


def size_of(state: State) -> int:
    """The bytes of its rules, its value and the entries of its lists."""
    return len(state.rules.encode()) + len((state.default_value or "").encode()) + state.entry_bytes


def grows_by(state: State, columns: Mapping[str, Any], entries: EntryChanges) -> int:
    """The bytes that a state gets more with other columns, and with what its lists get and lose."""
    texts = (name for name in ("rules", "default_value") if name in columns)
    grown = sum(len((columns[name] or "").encode()) - len((getattr(state, name) or "").encode()) for name in texts)
    return grown + sum(_bytes(added) - _bytes(removed) for added, removed in entries.values())


def stored_state(primitive: Primitive, state: State, lists: Mapping[str, Any]) -> StoredState:
    """The state as the engine reads it. `lists` are a segment's, as a whole or what changed, by the engine's names."""
    return StoredState(
        primitive.kind, primitive.key, primitive.value_type, state.default_value, state.rules, state.killed, **lists
    )


def _bytes(entries: Iterable[str]) -> int:
    return sum(len(entry.encode()) + ENTRY_OVERHEAD for entry in entries)


async def _end(connection: AsyncConnection, of: EnvironmentChanges) -> None:
    """Gives what was current in the environment an end at the new version."""
    for table, primitive_ids in (
        (State, of.ended + of.deleted),
        (StateReference, of.rewritten + of.deleted),
        (StateEntry, of.deleted),
    ):
        for piece in pieces(primitive_ids, _ROWS_A_STATEMENT):
            sought = {"environment": of.environment.id, "primitives": piece}
            await connection.execute(_ending(table), {**sought, "ended": of.version})


async def _write_entries(connection: AsyncConnection, of: EnvironmentChanges) -> None:
    """Ends the entries that lists lose, and writes those that they get."""
    versions = {"environment_id": of.environment.id, "from_version": of.version, "to_version": None}
    added: list[Values] = []
    for primitive_id, changes in of.entries.items():
        if (source := of.seeded.get(primitive_id)) is not None:
            await connection.execute(_COPYING_LISTS, {**_as_new(source, of), "of_primitive": primitive_id})
            continue
        for dimension, change in changes.items():
            of_list = {"primitive_id": primitive_id, "list": dimension.name}
            for piece in pieces(sorted(change.remove), _ROWS_A_STATEMENT):
                sought = {"of_environment": of.environment.id, "of_primitive": primitive_id, "of_list": dimension.name}
                await connection.execute(_ENDING_ENTRIES, {**sought, "removed": piece, "ended": of.version})
            added += [{**versions, **of_list, "entry": entry} for entry in sorted(change.add)]
    for rows in pieces(added, _ROWS_A_STATEMENT):
        await _insert(connection, StateEntry, rows)
    if of.copied_from is not None:
        for copying in (_COPYING_ENTRIES, _COPYING_REFERENCES):
            await connection.execute(copying, _as_new(of.copied_from, of))


def _as_new(source_id: str, of: EnvironmentChanges) -> Values:
    return {"source": source_id, "new": of.environment.id, "at": of.version}


def _values(row: Table) -> Values:
    return {name: getattr(row, name) for name in type(row).model_fields}


async def _insert(connection: AsyncConnection, table: type[Table], rows: Sequence[Values]) -> None:
    if rows:
        await connection.execute(_insertion(table), rows)


@cache
def _insertion(table: type[Table]) -> Insert:
    return insert(_bare(table))


@cache
def _ending(table: Any) -> Any:
    return (
        update(_bare(table))
        .where(
            col(table.environment_id) == bindparam("environment"),
            col(table.primitive_id).in_(bindparam("primitives", expanding=True)),
            col(table.to_version).is_(None),
        )
        .values(to_version=bindparam("ended"))
    )


def _bare(table: type[Table]) -> SqlTable:
    """The table without its ORM."""
    return cast(SqlTable, inspect(table).local_table)


_ENDING_ENTRIES = (
    update(_bare(StateEntry))
    .where(
        col(StateEntry.environment_id) == bindparam("of_environment"),
        col(StateEntry.primitive_id) == bindparam("of_primitive"),
        col(StateEntry.list) == bindparam("of_list"),
        col(StateEntry.entry).in_(bindparam("removed", expanding=True)),
        col(StateEntry.to_version).is_(None),
    )
    .values(to_version=bindparam("ended"))
)


def _copying(table: type[StateEntry] | type[StateReference], *names: str, of_primitive: bool = False) -> Insert:
    """Copies what is current in one environment to another, with these columns."""
    copied = select(
        bindparam("new", type_=String), bindparam("at", type_=Integer), *(getattr(table, name) for name in names)
    ).where(col(table.environment_id) == bindparam("source"), col(table.to_version).is_(None))
    if of_primitive:
        copied = copied.where(col(table.primitive_id) == bindparam("of_primitive"))
    return insert(_bare(table)).from_select(["environment_id", "from_version", *names], copied)


_COPYING_ENTRIES = _copying(StateEntry, "primitive_id", "list", "entry")
_COPYING_LISTS = _copying(StateEntry, "primitive_id", "list", "entry", of_primitive=True)
_COPYING_REFERENCES = _copying(StateReference, "primitive_id", "path", "target_kind", "target_key")
