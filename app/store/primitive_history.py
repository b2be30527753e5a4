"""Queries for the history of primitives in an environment: each version at which the state of one, or of something that
its rules rest on, was made or changed."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.engine.kinds import FLAG, SEGMENT, Kind
from app.models import AuditEvent, AuditVersion, Environment, Primitive, State, StateEntry, StateReference
from app.store.engines.texts import by_code_point, octets
from app.store.identities import Within, covered
from app.store.paging import AnySelect, Page, Sort, WholeList, Window, pages
from app.store.past import first_kept
from app.store.pieces import all_rows, pieces

SHOWN_ENTRIES = 50
_AHEAD = 2**31 - 1
_SOUGHT_AT_ONCE = 1000
_SEGMENTS = SEGMENT.space  # which is what references call them, too


class Moment(NamedTuple):
    """A version of the environment at which a primitive's state was made or changed; `key` is the primitive's."""

    primitive_id: str
    version: int
    kind: Kind
    key: str


class Made(NamedTuple):
    """A state and the one before it: texts where they differ, as a pair of before and after. `anew` where there was
    none before it, or none is kept."""

    anew: bool
    default_value: tuple[str | None, str | None]
    rules: tuple[str | None, str | None]
    killed: tuple[bool | None, bool]
    at: datetime
    actor: Mapping[str, Any]


async def moments(
    session: AsyncSession, environment: Environment, state_ids: Collection[str], window: Window, within: Within
) -> Mapping[str, Page[Moment]]:
    """For each present state of the environment, by id, the moments of its primitive and of what it rested on, newest
    first.

    Looked for in the newest versions first, and in more of them while these have too few.
    """
    span, place, first = 2 * window.limit, window.after, await _first(session, environment)
    newest = environment.version if place is None else int(place.value or 0)
    while True:
        oldest = first if window.from_end else max(newest - span, first)
        query = _query(environment, state_ids, within, oldest, newest)
        found = await _pages(session, query, state_ids, window)
        if oldest == first or all(one.has_next for one in found.values()):
            whole = _query(environment, state_ids, within, first, environment.version)
            return {one: _of_whole(page, whole, one) for one, page in found.items()}
        span *= 8


async def _first(session: AsyncSession, environment: Environment) -> int:
    """The first version of which it is known what it changed: what was before the oldest one that is kept is not."""
    kept = await first_kept(session, environment.id)
    return 0 if kept is None or kept.version <= 1 else kept.version + 1


async def _pages(
    session: AsyncSession, query: AnySelect, state_ids: Collection[str], window: Window
) -> Mapping[str, Page[Moment]]:
    columns: Any = query.selected_columns
    newest: Sort[Moment] = Sort(columns.version, lambda one: one.version, descending=True)
    parents = columns.state_id, state_ids
    make = lambda row: Moment(row.primitive_id, row.version, Kind(row.kind), row.key)  # noqa: E731
    return await pages(session, query, parents, columns.primitive_id, window, make, newest)


def _of_whole(page: Page[Moment], query: AnySelect, state_id: str) -> Page[Moment]:
    whole = WholeList(query, query.selected_columns.state_id, state_id)
    return Page(page.rows, page.has_next, page.has_previous, whole, page.list_id, page.value_of)


def _query(environment: Environment, state_ids: Collection[str], within: Within, oldest: int, newest: int) -> AnySelect:
    """The moments between two versions, both included."""
    rested = _rested(environment, state_ids, oldest, newest)
    moments = (
        select(
            rested.c.state_id,
            col(State.primitive_id).label("primitive_id"),
            col(State.from_version).label("version"),
            col(Primitive.kind).label("kind"),
            col(Primitive.key).label("key"),
        )
        .distinct()
        .join(
            State,
            and_(
                col(State.environment_id) == environment.id,
                col(State.primitive_id) == rested.c.primitive_id,
                col(State.from_version).between(rested.c.since, rested.c.until),
                col(State.from_version).between(oldest, newest),
                or_(rested.c.own, col(State.from_version) > rested.c.first),
            ),
        )
        .join(Primitive, col(Primitive.id) == col(State.primitive_id))
        .where(or_(rested.c.own, covered(within)))
        .subquery("moments")
    )
    return select(moments)


def _rested(environment: Environment, state_ids: Collection[str], oldest: int, newest: int) -> Any:
    """The primitives of the states, and all that they rested on directly or not, from which version on and until which.

    From one version before the oldest on: what they rest on no longer may have changed with it.
    """
    earlier = aliased(State)
    first = (
        select(func.min(col(earlier.from_version)))
        .where(col(earlier.environment_id) == environment.id, col(earlier.primitive_id) == col(State.primitive_id))
        .correlate(State)
        .scalar_subquery()
    )
    rested = (
        select(
            col(State.id).label("state_id"),
            col(State.primitive_id).label("primitive_id"),
            literal(True).label("own"),
            first.label("first"),
            case((first > oldest - 1, first), else_=oldest - 1).label("since"),
            literal(newest + 1).label("until"),
        )
        .where(
            col(State.environment_id) == environment.id,
            col(State.id).in_(state_ids),
            col(State.to_version).is_(None),
        )
        .cte("rested", recursive=True)
    )
    return rested.union(_further(environment, rested))


def _further(environment: Environment, rested: Any) -> Any:
    """What the rules of those that rested refer to, as long as both held."""
    since, until = col(StateReference.from_version), func.coalesce(col(StateReference.to_version), _AHEAD)
    reference = and_(
        col(StateReference.environment_id) == environment.id,
        col(StateReference.primitive_id) == rested.c.primitive_id,
        since < rested.c.until,
        or_(col(StateReference.to_version).is_(None), col(StateReference.to_version) > rested.c.since),
    )
    target = and_(
        col(Primitive.project_id) == environment.project_id,
        col(Primitive.space) == case((col(StateReference.target_kind) == _SEGMENTS, _SEGMENTS), else_=FLAG.space),
        col(Primitive.key) == col(StateReference.target_key),
    )
    return (
        select(
            rested.c.state_id,
            col(Primitive.id),
            literal(False),
            rested.c.first,
            case((since > rested.c.since, since), else_=rested.c.since),
            case((until < rested.c.until, until), else_=rested.c.until),
        )
        .join(StateReference, reference)
        .join(Primitive, target)
    )


async def sizes(session: AsyncSession, environment_id: str, wanted: Sequence[Moment]) -> Mapping[tuple[str, int], int]:
    """The bytes of what changed in texts at each moment, by primitive and version."""
    texts = (func.coalesce(octets(text), 0) for text in _texts())
    size = sum(texts, literal(0))
    return {of: row.size for of, row in await _rows(session, environment_id, wanted, size.label("size"))}


async def made(session: AsyncSession, environment_id: str, wanted: Sequence[Moment]) -> Mapping[tuple[str, int], Made]:
    """What was made at each moment, by primitive and version."""
    columns = (
        *_texts(),
        col(_BEFORE.id).is_(None).label("anew"),
        col(_BEFORE.killed).label("killed_before"),
        col(State.killed).label("killed"),
        col(State.updated_at).label("at"),
        col(State.updated_by).label("actor"),
    )
    return {
        of: Made(
            bool(row.anew),
            (row.default_value_before, row.default_value_after),
            (row.rules_before, row.rules_after),
            (row.killed_before, row.killed),
            row.at,
            row.actor,
        )
        for of, row in await _rows(session, environment_id, wanted, *columns)
    }


_BEFORE = aliased(State)


def _texts() -> list[ColumnElement[Any]]:
    """The texts that differ, before and after; null where they do not."""
    found: list[ColumnElement[Any]] = []
    for name in ("default_value", "rules"):
        before, after = getattr(_BEFORE, name), getattr(State, name)
        differs = or_(col(_BEFORE.id).is_(None), before != after)
        found += [
            case((differs, text)).label(f"{name}_{when}") for when, text in (("before", before), ("after", after))
        ]
    return found


async def _rows(
    session: AsyncSession, environment_id: str, wanted: Sequence[Moment], *columns: Any
) -> list[tuple[tuple[str, int], Any]]:
    earlier = aliased(State)
    newest = (
        select(func.max(col(earlier.from_version)))
        .where(
            col(earlier.environment_id) == environment_id,
            col(earlier.primitive_id) == col(State.primitive_id),
            col(earlier.from_version) < col(State.from_version),
        )
        .correlate(State)
        .scalar_subquery()
    )
    before = and_(
        col(_BEFORE.environment_id) == environment_id,
        col(_BEFORE.primitive_id) == col(State.primitive_id),
        col(_BEFORE.from_version) == newest,
    )
    query = (
        select(col(State.primitive_id), col(State.from_version), *columns)
        .outerjoin(_BEFORE, before)
        .where(col(State.environment_id) == environment_id)
    )
    sought = {(one.primitive_id, one.version) for one in wanted}
    primitive_ids = {one.primitive_id for one in wanted}
    found: list[tuple[tuple[str, int], Any]] = []
    for versions in pieces(sorted({one.version for one in wanted}), _SOUGHT_AT_ONCE):
        of_moments = col(State.from_version).in_(versions), col(State.primitive_id).in_(primitive_ids)
        found += [((row[0], row[1]), row) for row in await all_rows(session, query.where(*of_moments))]
    return [(of, row) for of, row in found if of in sought]


Entries = Mapping[tuple[str, int], Mapping[str, Sequence[str]]]


async def entries(session: AsyncSession, environment_id: str, wanted: Sequence[Moment]) -> tuple[Entries, Entries]:
    """By segment and version, and by list, the first entries that it got then and that it lost; of more than are shown
    one more."""
    segments = [one for one in wanted if one.kind is Kind.SEGMENT]
    added, removed = [
        await _entries(session, environment_id, segments, bound)
        for bound in (col(StateEntry.from_version), col(StateEntry.to_version))
    ]
    return added, removed


async def _entries(session: AsyncSession, environment_id: str, segments: Sequence[Moment], bound: Any) -> Entries:
    found = defaultdict[tuple[str, int], defaultdict[str, list[str]]](lambda: defaultdict(list))
    order: Any = by_code_point(col(StateEntry.entry))
    of_list = col(StateEntry.primitive_id), bound, col(StateEntry.list)
    place = func.row_number().over(partition_by=of_list, order_by=order).label("place")
    segment_ids = {one.primitive_id for one in segments}
    for versions in pieces(sorted({one.version for one in segments}), _SOUGHT_AT_ONCE):
        numbered = (
            select(*of_list, col(StateEntry.entry), place)
            .where(
                col(StateEntry.environment_id) == environment_id,
                col(StateEntry.primitive_id).in_(segment_ids),
                bound.in_(versions),
            )
            .subquery()
        )
        first = select(numbered).where(numbered.c.place <= SHOWN_ENTRIES + 1)
        for primitive_id, version, name, entry, _ in await all_rows(session, first):
            found[primitive_id, version][name].append(entry)
    return found


async def events(
    session: AsyncSession, environment_id: str, wanted: Sequence[Moment]
) -> Mapping[int, Sequence[AuditEvent]]:
    """What is kept of what made the moments, by version: what was done to their primitives, and what was done first,
    for a copy of an environment, say, has no event for each primitive."""
    primitive_ids = {one.primitive_id for one in wanted}
    found = defaultdict[int, list[AuditEvent]](list)
    for piece in pieces(sorted({one.version for one in wanted}), _SOUGHT_AT_ONCE):
        of_versions = and_(col(AuditVersion.environment_id) == environment_id, col(AuditVersion.version).in_(piece))
        first = select(func.min(col(AuditVersion.event_id))).where(of_versions).group_by(col(AuditVersion.version))
        query = (
            select(col(AuditVersion.version), AuditEvent)
            .join(AuditEvent, col(AuditEvent.id) == col(AuditVersion.event_id))
            .where(of_versions, or_(col(AuditEvent.resource_id).in_(primitive_ids), col(AuditEvent.id).in_(first)))
        )
        for version, event in await all_rows(session, query):
            found[version].append(event)
    return {version: sorted(of_version, key=lambda event: event.id) for version, of_version in found.items()}
