"""`viewerCan`: what the caller may do with a resource, from the policy that then answers."""

from typing import Any

import strawberry

from app.domain.policy import Operation, ResourceType
from app.graphql.context import Info

Abilities = list[Operation] | None


def viewer_can(resource: ResourceType) -> Any:
    async def resolve(root: strawberry.Parent[Any], info: Info) -> Abilities:
        info.context.pace.made(1)
        return await info.context.loaders.abilities.load((resource, root.id))

    return strawberry.field(resolver=resolve, description="What you may do with it without anybody's approval.")
