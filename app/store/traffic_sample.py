"""Queries for samples of traffic."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.sampling import WINDOW, Drawn, kept, sampled
from app.engine.paths import FieldPath
from app.models import SampledContext, TrafficSample
from app.store import json_columns

_environment_id, _draw, _at = col(SampledContext.environment_id), col(SampledContext.draw), col(SampledContext.at)
_context = col(SampledContext.context)


class Sampling(NamedTuple):
    """How many contexts an environment keeps, what of them, and since when it is so."""

    size: int
    fields: tuple[str, ...]
    since: datetime

    @classmethod
    def of(cls, row: TrafficSample) -> "Sampling":
        return cls(row.size, tuple(json_columns.value(row.fields)), row.updated_at)

    @property
    def paths(self) -> list[FieldPath]:
        return [FieldPath.of(one) for one in self.fields]


class Chosen(NamedTuple):
    """What is kept of a context, the number that it drew, and when it was evaluated."""

    draw: int
    at: datetime
    context: str


class Sampled(NamedTuple):
    """What an environment samples, and the sample: in the order of what was drawn, so in none."""

    row: TrafficSample | None
    contexts: Sequence[Chosen]

    @property
    def is_on(self) -> bool:
        return self.row is not None and self.row.size > 0


NO_SAMPLE = Sampled(None, ())


async def traffic_sample(session: AsyncSession, environment_id: str) -> TrafficSample | None:
    return await session.get(TrafficSample, environment_id)


async def samplings(session: AsyncSession) -> dict[str, Sampling]:
    """Of all environments that sample their traffic."""
    query = select(TrafficSample).where(col(TrafficSample.size) > 0)
    return {row.environment_id: Sampling.of(row) for row in (await session.execute(query)).scalars()}


async def sampling_among(session: AsyncSession, environment_ids: Collection[str]) -> set[str]:
    """Those of the environments that sample their traffic."""
    id_of = col(TrafficSample.environment_id)
    query = select(id_of).where(id_of.in_(environment_ids), col(TrafficSample.size) > 0)
    return set((await session.execute(query)).scalars())


async def samples_of(session: AsyncSession, environment_ids: Collection[str], now: datetime) -> dict[str, Sampled]:
    """What the environments sample, by id."""
    chosen = col(TrafficSample.environment_id).in_(environment_ids)
    rows = {row.environment_id: row for row in (await session.execute(select(TrafficSample).where(chosen))).scalars()}
    found: dict[str, dict[Drawn, str]] = {one: {} for one in environment_ids}
    sampling = [one for one, row in rows.items() if row.size > 0]
    if sampling:
        of_rows = select(_environment_id, _draw, _at, _context)
        of_rows = of_rows.where(_environment_id.in_(sampling), _at > now - 2 * WINDOW)
        for environment_id, draw, at, context in await session.execute(of_rows):
            found[environment_id][Drawn(draw, at)] = context or ""
    return {
        one: Sampled(
            row := rows.get(one),
            [Chosen(*drawn, of[drawn]) for drawn in sampled(of, 0 if row is None else row.size, now) if of[drawn]],
        )
        for one, of in found.items()
    }


async def add(
    session: AsyncSession, environment_id: str, size: int, chosen: Collection[Chosen], now: datetime
) -> list[Drawn]:
    """Adds what was chosen to the environment's sample, and takes out what has no room. Gives what it has then."""
    query = select(_draw, _at).where(_environment_id == environment_id)
    present = [Drawn(*row) for row in await session.execute(query)]
    new = {one.draw: one for one in chosen}.values()
    drawn = [*present, *(Drawn(one.draw, one.at) for one in new)]
    needed = kept(drawn, size, now)
    if gone := [one.draw for one in present if one.draw not in needed]:
        await session.execute(delete(SampledContext).where(_environment_id == environment_id, _draw.in_(gone)))
    values = [{"environment_id": environment_id, **one._asdict()} for one in new if one.draw in needed]
    if values:
        await session.execute(insert(SampledContext), values)
    return [one for one in drawn if one.draw in needed]


async def clear(session: AsyncSession, environment_id: str) -> None:
    """Deletes the environment's sample."""
    await session.execute(delete(SampledContext).where(_environment_id == environment_id))


async def has_expired(session: AsyncSession, now: datetime) -> bool:
    """Whether there is anything to sweep."""
    over = ((_at <= now - WINDOW) & _context.is_not(None)) | (_at <= now - 2 * WINDOW)
    return (await session.execute(select(_draw).where(_at <= now - WINDOW, over).limit(1))).first() is not None


async def sweep(session: AsyncSession, now: datetime) -> None:
    """Deletes the contexts that have expired, and the numbers of those that did a day ago."""
    await session.execute(delete(SampledContext).where(_at <= now - 2 * WINDOW))
    expired = update(SampledContext).where(_at <= now - WINDOW, _context.is_not(None))
    await session.execute(expired.values(context=None))
