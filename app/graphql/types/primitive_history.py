"""What changed flags, configs and segments in an environment."""

from typing import Any

import strawberry

from app.access.batches import ChildPage
from app.access.paging import Listing
from app.engine.kinds import Kind
from app.graphql.arguments import EnvironmentId
from app.graphql.context import Info
from app.graphql.lists import PAGING, list_field
from app.graphql.types.actors import Actor
from app.graphql.types.relay import Connection
from app.graphql.types.scalars import JSON, Time
from app.services.primitive_history import Cause, Changed, HistoryEntry


@strawberry.type(description="What was changed and others rest on.")
class ChangeCause:
    resource_type: Kind = strawberry.field(description="Whether it is a flag, a config or a segment.")
    key: str = strawberry.field(description="Its key.")

    @classmethod
    def of(cls, cause: Cause) -> "ChangeCause":
        return cls(resource_type=cause.kind, key=cause.key)


@strawberry.type(description="What a dimension was and became.")
class DimensionChange:
    dimension: str = strawberry.field(
        description="What changed: `defaultValue`, `rules`, `allowList`, `denyList`, or `killed`."
    )
    before: JSON | None = strawberry.field(
        name="from", description="What it was; null where nothing was before it, or is kept of it. Of a list, as `to`."
    )
    to: JSON | None = strawberry.field(
        description="What it became. Of a list, as `{add, remove}`, what it got and lost; the first 50 of each, with "
        "`truncated` where there are more."
    )

    @classmethod
    def of(cls, one: Changed) -> "DimensionChange":
        return cls(dimension=one.dimension, before=JSON(one.before), to=JSON(one.after))


@strawberry.type(description="What changed a flag, config or segment at a version of an environment.")
class PrimitiveChange:
    at: Time = strawberry.field(description="When it was changed.")
    version: int = strawberry.field(description="The version that the change made.")
    actor: Actor = strawberry.field(description="Who changed it.")
    action: str | None = strawberry.field(
        description="What was done, by the name of the policy's row; null where the audit has no event of it, or "
        "no longer."
    )
    request_id: str | None = strawberry.field(
        description="The id of the request that did it; null where the audit has no event of it, or no longer."
    )
    reason: str | None = strawberry.field(description="Why.")
    changes: list[DimensionChange] = strawberry.field(description="What changed of it, or of its cause.")
    caused_by: ChangeCause | None = strawberry.field(
        description="What was changed, where that is something that its rules rest on."
    )

    @classmethod
    def of(cls, row: HistoryEntry) -> "PrimitiveChange":
        return cls(
            at=Time(row.at),
            version=row.version,
            actor=Actor.of(dict(row.actor)),
            action=row.action,
            request_id=row.request_id,
            reason=row.reason,
            changes=[DimensionChange.of(one) for one in row.changes],
            caused_by=None if row.caused_by is None else ChangeCause.of(row.caused_by),
        )


def history_of_primitive() -> Any:
    """The list of what changed a primitive in an environment."""

    async def resolve(root: Any, info: Info, asked: Listing, environment_id: str) -> Any:
        loaders = info.context.loaders
        (present,) = await loaders.states_in(root.id, [environment_id])
        page = await loaders.history.load(ChildPage(present.state.id, asked))
        return Connection.of(info.context, page, lambda row: row.primitive_id, PrimitiveChange.of)

    description = "What changed it in an environment, itself or from outside, newest first."
    return list_field(description, PAGING, resolve, environment_id=EnvironmentId)
