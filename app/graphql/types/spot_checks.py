"""The contexts that an environment keeps."""

from typing import Any, cast

import strawberry

from app.graphql.context import Info
from app.graphql.types.actors import Actor
from app.graphql.types.scalars import JSON, Time
from app.graphql.types.values import stored
from app.services.spot_checks import Kept
from app.store import json_columns


@strawberry.type(description="The contexts that an environment keeps, to show what a proposed change would do to them.")
class SpotChecks:
    updated_at: Time | None = strawberry.field(description="When they were last changed; null if nobody has set any.")
    updated_by: Actor | None = strawberry.field(description="Who last changed them; null if nobody has set any.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    kept: strawberry.Private[Kept]

    @classmethod
    def of(cls, kept: Kept) -> "SpotChecks":
        row = kept.row
        return cls(
            updated_at=None if row is None else Time(row.updated_at),
            updated_by=None if row is None else Actor.of(row.updated_by),
            etag=kept.etag,
            kept=kept,
        )

    @strawberry.field(description="JSON objects, in their order.")
    def contexts(self, info: Info) -> list[JSON]:
        return cast("list[JSON]", stored(info, json_columns.value, self.kept.contexts))


def spot_checks_of_environment() -> Any:
    """What an environment keeps."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> SpotChecks | None:
        kept = await info.context.loaders.spot_checks.load(root.id)
        return None if kept is None else SpotChecks.of(kept)

    return strawberry.field(resolver=resolve, description="The contexts that it keeps to try proposed changes on.")
