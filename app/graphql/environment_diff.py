"""What differs between two environments."""

from typing import Annotated

import strawberry

from app.graphql.arguments import EnvironmentId
from app.graphql.context import Info
from app.graphql.types.environment_diff import EnvironmentDiff
from app.services.environment_diff import get_environment_diff

Against = Annotated[
    strawberry.ID,
    strawberry.argument(description="The id or name of the environment of the same project to compare it with."),
]


@strawberry.type
class EnvironmentDiffQueries:
    @strawberry.field(description="What differs between two environments of a project, as far as you may read it.")
    async def environment_diff(
        self, info: Info, environment_id: EnvironmentId, against: Against
    ) -> EnvironmentDiff | None:
        async with info.context.unit() as uow:
            return EnvironmentDiff.of(await get_environment_diff(uow, environment_id, {"against": against}))
