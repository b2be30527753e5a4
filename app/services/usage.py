"""How often flags and configs are evaluated in an environment, and which of them are stale."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.access import batches
from app.access.entry import Entry
from app.access.paging import Listing, UsageOptions
from app.access.visible import pending_proposals, within
from app.domain.commands import validate
from app.domain.errors import invalid
from app.domain.operations import Operation
from app.domain.usage import DEFAULT_STALE_DAYS, Known, Staleness, TokenRefusal, staleness
from app.engine.kinds import KeyRef
from app.models import Environment, Period, Primitive
from app.services.evaluation import EVALUABLE
from app.store import environments, json_columns, states, token_usage, usage
from app.store.paging import Page
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork
from app.store.usage import Counts, Point, Span, Stored, day_of, hour_of

KEPT_HOURS = timedelta(days=14)
KEPT_DAYS = timedelta(days=366)
_BY_DEFAULT = {Period.HOUR: timedelta(days=1), Period.DAY: timedelta(days=30)}
_KEPT = {Period.HOUR: KEPT_HOURS, Period.DAY: KEPT_DAYS}
_NOTHING = Stored(None, (), ())


@dataclass(frozen=True, slots=True)
class OutcomeUsage:
    """How often one outcome was had. `value_omitted`: its value is long, or it stands for several."""

    reason: dict[str, Any]
    value: Any
    value_omitted: bool
    count: int
    share: float
    last_evaluated_at: datetime


class KeyUsage(NamedTuple):
    """How often a flag or config was evaluated in a span, by outcome and by hour or day; when it was first and last at
    all; and whether it is stale."""

    primitive: Primitive
    environment_id: str
    total: int
    first_evaluated_at: datetime | None
    last_evaluated_at: datetime | None
    outcomes: Sequence[OutcomeUsage]
    series: Sequence[Point]
    stale: Staleness


async def list_usage(uow: UnitOfWork, environment_id: str, listing: Listing) -> Page[KeyUsage]:
    """A page of what is known of the environment's flags and configs, as far as the caller may read them."""
    access = await Entry.of_environment(environment_id, Operation.READ_STATE).enter(uow)
    return (await _lists(uow, [access.environment], listing))[access.environment.id]


async def lists_of_environments(
    uow: UnitOfWork, environment_ids: Collection[str], listing: Listing
) -> Mapping[str, Page[KeyUsage]]:
    """By environment that the caller may see, what `list_usage` gives."""
    return await _lists(uow, await batches.environments(uow, environment_ids), listing)


async def _lists(uow: UnitOfWork, seen: Sequence[Environment], listing: Listing) -> Mapping[str, Page[KeyUsage]]:
    chosen, window, options = listing.of_usage(within(uow, EVALUABLE), *(one.id for one in seen))
    pages = await states.lists_current(uow.session, seen, chosen, window, pending_proposals(uow))
    found = await usage_of(uow, [current for page in pages.values() for current in page.rows], options)
    by_place = {(one.environment_id, one.primitive.id): one for one in found}
    return {
        environment_id: Page(
            [by_place[environment_id, current.primitive.id] for current in page.rows],
            page.has_next,
            page.has_previous,
            page.whole,
            page.list_id,
        )
        for environment_id, page in pages.items()
    }


async def usage_of(uow: UnitOfWork, present: Sequence[Current], options: UsageOptions) -> list[KeyUsage]:
    """What is known of each, whose state the caller may read. Raises `invalid_request`."""
    span = _span(options, uow.now)
    environment_ids = {current.state.environment_id for current in present}
    stored = await usage.of_keys(uow.session, environment_ids, {current.primitive.id for current in present}, span)
    created = await environments.created_at(uow.session, environment_ids)
    days = options.stale_days or DEFAULT_STALE_DAYS
    found = []
    for primitive, state in present:
        here = stored.get((state.environment_id, primitive.id), _NOTHING)
        made_at = max(primitive.created_at, created[state.environment_id])
        known = Known(made_at, primitive.permanent)
        if here.row is not None:
            known = known._replace(last_at=here.row.last_at, value_since=here.row.value_since)
        total = sum(one.count for one in here.totals)
        found.append(
            KeyUsage(
                primitive,
                state.environment_id,
                total,
                None if here.row is None else here.row.first_at,
                known.last_at,
                [
                    OutcomeUsage(
                        json_columns.value(one.reason),
                        None if one.value is None else json_columns.value(one.value),
                        one.value is None,
                        one.count,
                        one.count / total,
                        one.last_at,
                    )
                    for one in here.totals
                ],
                here.series,
                staleness(known, uow.now, days),
            )
        )
    return found


def usage_options(parameters: Mapping[str, Any]) -> UsageOptions:
    """Raises `invalid_request`."""
    return validate(UsageOptions, parameters)


def _span(options: UsageOptions, now: datetime) -> Span:
    period = options.granularity or Period.DAY
    until = options.until or now
    since = options.since or until - _BY_DEFAULT[period]
    if since >= until:
        raise invalid({"since": "Must be before until."})
    if until - since > _KEPT[period]:
        raise invalid({"since": f"Must be at most {_KEPT[period].days} days before until: {period}s are kept as long."})
    return Span(period, hour_of(since) if period is Period.HOUR else day_of(since), until)


async def add(uow: UnitOfWork, environment_id: str, counts: Mapping[KeyRef, Counts]) -> None:
    """Adds counts of evaluations to those that are stored."""
    await uow.begin_write()
    await usage.add(uow.session, environment_id, counts)


async def sweep(uow: UnitOfWork, limit: int) -> bool:
    """Deletes so many counts at most that are older than is kept. False when none are left."""
    await uow.begin_write()
    return await usage.sweep(uow.session, Period.HOUR, uow.now - KEPT_HOURS - timedelta(hours=1), limit) or (
        await usage.sweep(uow.session, Period.DAY, uow.now - KEPT_DAYS - timedelta(days=1), limit)
    )


async def note_tokens(
    uow: UnitOfWork, first_evaluations: Mapping[str, datetime], refusals: Mapping[str, TokenRefusal]
) -> None:
    """When tokens evaluated first, unless that is known already, and what they were refused last."""
    await uow.begin_write()
    await token_usage.add(uow.session, first_evaluations, refusals)
