"""What an environment was at its past versions, and what was written between two of them.

Each query looks at the primitives and at the changes that it is asked about, and not at all versions that there are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.engine.history import Change
from app.engine.kinds import SPECS, Kind
from app.engine.ruleset import StoredState
from app.engine.target_ids import EntryChange
from app.models import Environment, EnvironmentVersion, Primitive, State, StateEntry
from app.store.pieces import all_rows, pieces

_SOUGHT_AT_ONCE = 1000
_EARLIER = aliased(State)


class Past(NamedTuple):
    """The kind and key of all that was there at a version, and those states that are others by now."""

    keys: frozenset[tuple[Kind, str]]
    changed: Sequence[StoredState]


async def version_at(
    session: AsyncSession, environment_id: str, at: datetime, *, included: bool = True
) -> EnvironmentVersion | None:
    """The newest version that was there at the instant, or before it."""
    reached = col(EnvironmentVersion.at)
    query = (
        select(EnvironmentVersion)
        .where(col(EnvironmentVersion.environment_id) == environment_id, reached <= at if included else reached < at)
        .order_by(reached.desc(), col(EnvironmentVersion.version).desc())
    )
    return (await session.execute(query.limit(1))).scalar_one_or_none()


async def versions_between(
    session: AsyncSession, environment_id: str, after: int, upto: int, limit: int
) -> Sequence[EnvironmentVersion]:
    """The versions after one up to another one, so many at most."""
    version = col(EnvironmentVersion.version)
    query = (
        select(EnvironmentVersion)
        .where(col(EnvironmentVersion.environment_id) == environment_id, version > after, version <= upto)
        .order_by(version)
    )
    return (await session.execute(query.limit(limit))).scalars().all()


async def first_kept(session: AsyncSession, environment_id: str) -> EnvironmentVersion | None:
    """The oldest version that is known."""
    query = select(EnvironmentVersion).where(col(EnvironmentVersion.environment_id) == environment_id)
    return (await session.execute(query.order_by(col(EnvironmentVersion.version)).limit(1))).scalar_one_or_none()


async def load(session: AsyncSession, environment_id: str, version: int, present: int) -> Past:
    """What was there at `version`, with those states that have ended by the version `present`."""
    newest = (
        select(func.max(col(_EARLIER.from_version)))
        .where(
            col(_EARLIER.environment_id) == environment_id,
            col(_EARLIER.primitive_id) == col(Primitive.id),
            col(_EARLIER.from_version) <= version,
        )
        .correlate(Primitive)
        .scalar_subquery()
    )
    of_primitive = and_(
        col(State.environment_id) == environment_id,
        col(State.primitive_id) == col(Primitive.id),
        col(State.from_version) == newest,
    )
    of_project = select(col(Environment.project_id)).where(col(Environment.id) == environment_id).scalar_subquery()
    ended = func.coalesce(col(State.to_version) <= present, False)
    query = (
        select(*_of_states(ended), ended.label("ended"))
        .join(State, of_primitive)
        .where(
            col(Primitive.project_id) == of_project,
            or_(col(State.to_version).is_(None), col(State.to_version) > version),
        )
    )
    rows = await all_rows(session, query)
    changed = [row for row in rows if row.ended]
    segments = [row.primitive_id for row in changed if row.kind == Kind.SEGMENT]
    entries = defaultdict[tuple[str, str], set[str]](set)
    there = and_(
        col(StateEntry.from_version) <= version,
        or_(col(StateEntry.to_version).is_(None), col(StateEntry.to_version) > version),
    )
    for row in await _entries(session, environment_id, segments, there):
        entries[row.primitive_id, row.list].add(row.entry)
    return Past(
        frozenset((Kind(row.kind), row.key) for row in rows),
        [_stored(row, lambda name, of=row.primitive_id: frozenset(entries[of, name])) for row in changed],
    )


async def changes(session: AsyncSession, environment_id: str, after: int, upto: int) -> Sequence[Change]:
    """What was written after a version up to another one, in the order of the versions; what has gone comes first."""
    of_state = and_(col(State.primitive_id) == col(Primitive.id), col(State.environment_id) == environment_id)
    made = (
        select(*_of_states(), col(State.from_version))
        .join(State, of_state)
        .where(col(State.from_version) > after, col(State.from_version) <= upto)
    )
    ended = (
        select(col(Primitive.id), col(Primitive.kind), col(Primitive.key), col(State.to_version))
        .join(State, of_state)
        .where(col(State.to_version) > after, col(State.to_version) <= upto)
    )
    rows = await all_rows(session, made)
    followed = {(row.primitive_id, row.from_version) for row in rows}
    gone = [
        Change(version, Kind(kind), key, None)
        for primitive_id, kind, key, version in await all_rows(session, ended)
        if (primitive_id, version) not in followed
    ]
    segments = {row.primitive_id for row in rows if row.kind == Kind.SEGMENT}
    added, removed = (defaultdict[tuple[str, int, str], set[str]](set) for _ in range(2))
    for name, found in (("from_version", added), ("to_version", removed)):
        bound = getattr(StateEntry, name)
        for row in await _entries(session, environment_id, segments, and_(bound > after, bound <= upto)):
            found[row.primitive_id, getattr(row, name), row.list].add(row.entry)

    def state_of(row: Any) -> StoredState:
        of_list = row.primitive_id, row.from_version
        return _stored(
            row, lambda name: EntryChange(frozenset(added[*of_list, name]), frozenset(removed[*of_list, name]))
        )

    written = [Change(row.from_version, Kind(row.kind), row.key, state_of(row)) for row in rows]
    return sorted([*gone, *written], key=lambda one: (one.version, one.state is not None))


def _of_states(with_text: ColumnElement[bool] | None = None) -> Iterable[Any]:
    """What a state is made of; its texts only where that is so."""
    texts = {name: getattr(State, name) for name in ("default_value", "rules")}
    return (
        col(Primitive.id).label("primitive_id"),
        col(Primitive.kind).label("kind"),
        col(Primitive.key).label("key"),
        col(Primitive.value_type).label("value_type"),
        col(State.killed).label("killed"),
        *(text if with_text is None else case((with_text, text)).label(name) for name, text in texts.items()),
    )


def _stored(row: Any, list_of: Any) -> StoredState:
    """`list_of` gives what each list has, or gets and loses, by the name of its dimension."""
    kind = Kind(row.kind)
    lists = {one.field: list_of(one.name) for one in SPECS[kind].dimensions if one.entries}
    return StoredState(kind, row.key, row.value_type, row.default_value, row.rules, row.killed, **lists)


async def _entries(
    session: AsyncSession, environment_id: str, primitive_ids: Collection[str], valid: ColumnElement[bool]
) -> Sequence[Any]:
    query = select(
        col(StateEntry.primitive_id),
        col(StateEntry.list),
        col(StateEntry.entry),
        col(StateEntry.from_version),
        col(StateEntry.to_version),
    ).where(col(StateEntry.environment_id) == environment_id, valid)
    found: list[Any] = []
    for piece in pieces(list(primitive_ids), _SOUGHT_AT_ONCE):
        found += await all_rows(session, query.where(col(StateEntry.primitive_id).in_(piece)))
    return found
