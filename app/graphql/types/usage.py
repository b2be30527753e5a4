"""How often flags and configs are evaluated."""

from typing import Any

import strawberry

from app.access.batches import ChildPage
from app.access.paging import Listing
from app.domain.usage import Staleness as DecidedStaleness
from app.domain.usage import StaleReason
from app.engine.kinds import Kind
from app.graphql.context import Info
from app.graphql.lists import OF_USAGE, USAGE_SPAN, list_field
from app.graphql.types.relay import Connection
from app.graphql.types.scalars import JSON, Time
from app.services.usage import KeyUsage, OutcomeUsage
from app.store.usage import Point


@strawberry.type(description="How often one outcome was had.")
class OutcomeCount:
    reason: JSON = strawberry.field(description="Why the value was what it was, as evaluations tell it.")
    value: JSON | None = strawberry.field(description="The value.")
    value_omitted: bool = strawberry.field(
        description="Whether the value is left out, because it is long or the outcome stands for the rest of very many."
    )
    count: int = strawberry.field(description="How many evaluations had it.")
    share: float = strawberry.field(description="Their share of all, from 0 to 1.")
    last_evaluated_at: Time = strawberry.field(description="When one had it last.")

    @classmethod
    def of(cls, one: OutcomeUsage) -> "OutcomeCount":
        return cls(
            reason=JSON(one.reason),
            value=JSON(one.value),
            value_omitted=one.value_omitted,
            count=one.count,
            share=one.share,
            last_evaluated_at=Time(one.last_evaluated_at),
        )


@strawberry.type(description="How many evaluations there were in an hour or a day.")
class UsagePoint:
    starts_at: Time = strawberry.field(description="When the hour or the day began, in UTC.")
    count: int = strawberry.field(description="How many there were.")

    @classmethod
    def of(cls, one: Point) -> "UsagePoint":
        return cls(starts_at=Time(one.starts_at), count=one.count)


@strawberry.type(description="Whether something is of no use any more.")
class Staleness:
    stale: bool = strawberry.field(description="Whether it is stale.")
    reason: StaleReason | None = strawberry.field(description="Why; null if it is not stale.")
    since: Time | None = strawberry.field(description="Since when; null if it is not stale.")
    days: int | None = strawberry.field(description="For how many days; null if it is not stale.")
    advice: str | None = strawberry.field(description="What to do about it, in one sentence; null if it is not stale.")

    @classmethod
    def of(cls, decided: DecidedStaleness) -> "Staleness":
        return cls(
            stale=decided.stale,
            reason=decided.reason,
            since=None if decided.since is None else Time(decided.since),
            days=decided.days,
            advice=decided.advice,
        )


@strawberry.type(description="How often a flag or config was evaluated in an environment, and whether it is stale.")
class Usage:
    environment_id: strawberry.ID = strawberry.field(description="The environment.")
    primitive_id: strawberry.ID = strawberry.field(description="The flag or config.")
    kind: Kind = strawberry.field(description="Which of both it is.")
    key: str = strawberry.field(description="Its key.")
    total: int = strawberry.field(description="How many evaluations there were in the span.")
    first_evaluated_at: Time | None = strawberry.field(description="When it was evaluated first at all.")
    last_evaluated_at: Time | None = strawberry.field(description="When it was evaluated last at all.")
    outcomes: list[OutcomeCount] = strawberry.field(description="The evaluations by outcome, the most frequent first.")
    series: list[UsagePoint] = strawberry.field(description="The evaluations by hour or day; those without are absent.")
    stale: Staleness = strawberry.field(description="Whether it is of no use any more, and what to do about it.")

    @classmethod
    def of(cls, row: KeyUsage) -> "Usage":
        return cls(
            environment_id=strawberry.ID(row.environment_id),
            primitive_id=strawberry.ID(row.primitive.id),
            kind=row.primitive.kind,
            key=row.primitive.key,
            total=row.total,
            first_evaluated_at=None if row.first_evaluated_at is None else Time(row.first_evaluated_at),
            last_evaluated_at=None if row.last_evaluated_at is None else Time(row.last_evaluated_at),
            outcomes=[OutcomeCount.of(one) for one in row.outcomes],
            series=[UsagePoint.of(one) for one in row.series],
            stale=Staleness.of(row.stale),
        )


def usage_of_environment() -> Any:
    """The list of what is known of an environment's flags and configs."""

    async def resolve(root: Any, info: Info, asked: Listing) -> Any:
        found = await info.context.loaders.usage.load(ChildPage(root.id, asked))
        return Connection.of(info.context, found, lambda row: row.primitive.id, Usage.of)

    return list_field("How often its flags and configs are evaluated.", OF_USAGE, resolve)


def usage_of_state() -> Any:
    """What is known of one flag or config."""

    async def resolve(root: Any, info: Info, asked: Listing) -> Any:
        loader = info.context.loaders.usage_of_states(asked)
        return Usage.of(await loader.load(root.current))

    return list_field("How often it is evaluated in the environment.", USAGE_SPAN, resolve)
