"""What an environment samples of its traffic."""

from typing import Annotated, Any, cast

import strawberry

from app.domain.errors import invalid
from app.graphql.context import Info
from app.graphql.types.actors import Actor
from app.graphql.types.scalars import JSON, Time
from app.graphql.types.values import stored
from app.services.traffic_sample import MAX_SIZE, SHOWN, Kept
from app.store import json_columns

First = Annotated[int, strawberry.argument(description=f"How many contexts to show, 1 to {MAX_SIZE}.")]


@strawberry.type(
    description="What an environment keeps of contexts that were really evaluated in it in the last 24 hours."
)
class TrafficSample:
    size: int = strawberry.field(description="How many contexts are kept at most; 0 if none are.")
    fields: list[str] = strawberry.field(description="The paths that are kept of each context.")
    count: int = strawberry.field(description="How many contexts are in the sample now.")
    oldest_at: Time | None = strawberry.field(description="When the oldest of them was evaluated; null if none are.")
    updated_at: Time | None = strawberry.field(description="When this was last set; null if nobody has.")
    updated_by: Actor | None = strawberry.field(description="Who last set it; null if nobody has.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    kept: strawberry.Private[Kept]

    @classmethod
    def of(cls, kept: Kept) -> "TrafficSample":
        row = kept.row
        return cls(
            size=kept.size,
            fields=kept.fields,
            count=len(kept.contexts),
            oldest_at=None if kept.oldest_at is None else Time(kept.oldest_at),
            updated_at=None if row is None else Time(row.updated_at),
            updated_by=None if row is None else Actor.of(row.updated_by),
            etag=kept.etag,
            kept=kept,
        )

    @strawberry.field(description="Those that were evaluated last, the last one first.")
    def contexts(self, info: Info, first: First = SHOWN) -> list[JSON] | None:
        if not 1 <= first <= MAX_SIZE:
            raise invalid({"first": f"Must be between 1 and {MAX_SIZE}."})
        return [cast("JSON", stored(info, json_columns.value, one.context)) for one in self.kept.newest(first)]


def traffic_sample_of_environment() -> Any:
    """What an environment samples."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> TrafficSample | None:
        kept = await info.context.loaders.traffic_samples.load(root.id)
        return None if kept is None else TrafficSample.of(kept)

    return strawberry.field(resolver=resolve, description="What it samples of its traffic.")
