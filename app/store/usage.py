"""Queries for how often flags and configs are evaluated."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, and_, case, delete, false, func, not_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.engine.evaluation import OutcomeText
from app.engine.kinds import KeyRef, Kind
from app.models import Environment, EvaluationCount, KeyUsage, Period, Primitive, State
from app.store.engines.upserts import upsert_into
from app.store.paging import AnySelect, one_of
from app.store.pieces import all_rows

OTHER = OutcomeText("other", "other", '{"kind":"other"}', None)
"""What is counted together where a key has very many outcomes."""
EVALUABLE = (Kind.FLAG, Kind.CONFIG)


class Count(NamedTuple):
    """How often, and when last."""

    times: int
    last_at: datetime


Counts = dict[tuple[datetime, OutcomeText], Count]
"""Of one key, by hour and outcome."""


def hour_of(at: datetime) -> datetime:
    """When its hour began."""
    return at.replace(minute=0, second=0, microsecond=0)


def day_of(at: datetime) -> datetime:
    """When its day began, in UTC."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


async def add(session: AsyncSession, environment_id: str, counts: Mapping[KeyRef, Counts]) -> None:
    """Adds the counts to those of the environment. What is deleted by now is skipped."""
    ids = await _ids_of(session, environment_id, counts)
    if not ids:
        return
    of_ids = {ids[key]: of_key for key, of_key in counts.items() if key in ids}
    rows = list(_rows(environment_id, of_ids))
    insert = upsert_into(session, EvaluationCount)
    count, last_at = insert.excluded.count, insert.excluded.last_at
    merged = {"count": col(EvaluationCount.count) + count, "last_at": _later(col(EvaluationCount.last_at), last_at)}
    by = ["environment_id", "primitive_id", "period", "starts_at", "outcome"]
    connection = await session.connection()
    await connection.execute(insert.on_conflict_do_update(index_elements=by, set_=merged), rows)
    await _add_to_keys(session, environment_id, of_ids)


def _rows(environment_id: str, counts: Mapping[str, Counts]) -> Iterator[dict[str, Any]]:
    """Those of hours, and those of days, each once."""
    for primitive_id, of_key in sorted(counts.items()):
        periods: dict[tuple[Period, datetime, OutcomeText], Count] = {}
        for (hour, outcome), (times, last_at) in of_key.items():
            for place in ((Period.HOUR, hour, outcome), (Period.DAY, day_of(hour), outcome)):
                before = periods.get(place, Count(0, last_at))
                periods[place] = Count(before.times + times, max(before.last_at, last_at))
        for (period, starts_at, outcome), (times, last_at) in sorted(periods.items(), key=lambda item: item[0][:2]):
            yield {
                "environment_id": environment_id,
                "primitive_id": primitive_id,
                "period": period,
                "starts_at": starts_at,
                "outcome": outcome.id,
                "value_id": outcome.value_id,
                "reason": outcome.reason,
                "value": outcome.value,
                "count": times,
                "last_at": last_at,
            }


async def _add_to_keys(session: AsyncSession, environment_id: str, counts: Mapping[str, Counts]) -> None:
    query = select(KeyUsage).where(
        col(KeyUsage.environment_id) == environment_id, col(KeyUsage.primitive_id).in_(counts)
    )
    known = {row.primitive_id: row for row in (await session.execute(query)).scalars()}
    for primitive_id, of_key in counts.items():
        values = {outcome.value_id for _, outcome in of_key}
        at = max(count.last_at for count in of_key.values())
        first = min(count.last_at for count in of_key.values())
        value_id = values.pop() if len(values) == 1 else None
        row = known.get(primitive_id)
        if row is None:
            row = KeyUsage(
                environment_id=environment_id, primitive_id=primitive_id, first_at=first, last_at=at, value_id=value_id
            )
            row.value_since = None if value_id is None else first
            session.add(row)
            continue
        row.last_at = max(row.last_at, at)
        if row.value_id != value_id:
            row.value_id, row.value_since = value_id, None if value_id is None else first


async def _ids_of(session: AsyncSession, environment_id: str, keys: Collection[KeyRef]) -> dict[KeyRef, str]:
    """The ids of the live flags and configs of the environment's project, by kind and key."""
    query = (
        select(col(Primitive.kind), col(Primitive.key), col(Primitive.id))
        .join(Environment, col(Environment.project_id) == col(Primitive.project_id))
        .where(
            col(Environment.id) == environment_id,
            col(Primitive.space) == "value",
            col(Primitive.key).in_({key.key for key in keys}),
            col(Primitive.deleted_at).is_(None),
        )
    )
    found = {KeyRef(row[0], row[1]): row[2] for row in await session.execute(query)}
    return {key: found[key] for key in keys if key in found}


def _later(one: Any, other: Any) -> Any:
    return case((one < other, other), else_=one)


class Span(NamedTuple):
    """From one instant on until before another, by hours or by days."""

    period: Period
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Total:
    """How often one outcome was had in a span."""

    value_id: str
    reason: str
    value: str | None
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """How many evaluations there were in the hour or day that begins then."""

    starts_at: datetime
    count: int


class Stored(NamedTuple):
    """What is stored of a flag or config in an environment."""

    row: KeyUsage | None
    totals: Sequence[Total]
    series: Sequence[Point]


async def of_keys(
    session: AsyncSession, environment_ids: Collection[str], primitive_ids: Collection[str], span: Span
) -> Mapping[tuple[str, str], Stored]:
    """By environment and primitive, where anything is stored: in three queries, however many they are."""
    rows = select(KeyUsage).where(
        one_of(col(KeyUsage.environment_id), environment_ids), one_of(col(KeyUsage.primitive_id), primitive_ids)
    )
    found = {
        (row.environment_id, row.primitive_id): (row, list[Total](), list[Point]())
        for (row,) in await all_rows(session, rows)
    }
    table = EvaluationCount
    place = col(table.environment_id), col(table.primitive_id)
    within = (
        one_of(place[0], environment_ids),
        one_of(place[1], primitive_ids),
        col(table.period) == span.period,
        col(table.starts_at) >= span.since,
        col(table.starts_at) < span.until,
    )
    times = func.sum(col(table.count))
    shown = func.min(col(table.value_id)), func.min(col(table.reason)), func.min(col(table.value))
    totals = select(*place, *shown, times, func.max(col(table.last_at)))
    totals = totals.where(*within).group_by(*place, col(table.outcome)).order_by(times.desc(), col(table.outcome))
    for environment_id, primitive_id, value_id, reason, value, times_had, last_at in await all_rows(session, totals):
        if (of_key := found.get((environment_id, primitive_id))) is not None:
            of_key[1].append(Total(value_id, reason, value, int(times_had), last_at))
    series = select(*place, col(table.starts_at), times).where(*within)
    series = series.group_by(*place, col(table.starts_at)).order_by(col(table.starts_at))
    for environment_id, primitive_id, starts_at, count in await all_rows(session, series):
        if (of_key := found.get((environment_id, primitive_id))) is not None:
            of_key[2].append(Point(starts_at, int(count)))
    return {of: Stored(*stored) for of, stored in found.items()}


def is_stale(query: AnySelect, environments: Collection[Environment], before: datetime, *, wanted: bool) -> AnySelect:
    """The query of present states, for those alone that are stale, or are not, as `domain.usage.staleness` says it."""
    here = and_(
        col(KeyUsage.environment_id) == col(State.environment_id),
        col(KeyUsage.primitive_id) == col(State.primitive_id),
    )
    old_enough = [one.id for one in environments if one.created_at <= before]
    last_at, value_since = col(KeyUsage.last_at), col(KeyUsage.value_since)
    stale = and_(
        col(State.environment_id).in_(old_enough) if old_enough else false(),
        col(Primitive.kind).in_(EVALUABLE),
        not_(col(Primitive.permanent)),
        col(Primitive.created_at) <= before,
        or_(last_at.is_(None), last_at <= before, and_(value_since.is_not(None), value_since <= before)),
    )
    return query.outerjoin(KeyUsage, here).where(stale if wanted else not_(stale))


async def forget(session: AsyncSession, primitive_id: str) -> None:
    """Deletes all counts of the primitive."""
    for table in (EvaluationCount, KeyUsage):
        await session.execute(delete(table).where(col(table.primitive_id) == primitive_id))


async def sweep(session: AsyncSession, period: Period, before: datetime, limit: int) -> bool:
    """Deletes counts of hours or days that began before the instant, so many at most. False when none are left."""
    table = EvaluationCount
    key = tuple_(
        col(table.environment_id), col(table.primitive_id), col(table.period), col(table.starts_at), col(table.outcome)
    )
    old = select(*key.clauses).where(col(table.period) == period, col(table.starts_at) < before).limit(limit)
    result = await session.execute(delete(table).where(key.in_(old)))
    return bool(cast("CursorResult[Any]", result).rowcount)
