"""The context fields that are known in an environment."""

import strawberry

from app.graphql.arguments import EnvironmentId
from app.graphql.context import Info
from app.graphql.types.attributes import Attributes
from app.services import attributes


@strawberry.type
class AttributeQueries:
    @strawberry.field(description="The context fields that an environment's rules name, and those of its sample.")
    async def attributes(self, info: Info, environment_id: EnvironmentId) -> Attributes | None:
        async with info.context.unit() as uow:
            return Attributes.of(await attributes.get_attributes(uow, environment_id))
