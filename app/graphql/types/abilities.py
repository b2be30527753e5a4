"""`viewerCan`: what the caller may do with a thing, from the policy that then answers."""

from typing import Any

import strawberry

from app.domain.policy import Operation, ResourceType
from app.graphql.context import Info

Abilities = list[Operation] | None


def viewer_can(thing: ResourceType) -> Any:
    """The field of a type that is the `thing`."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Abilities:
        return await info.context.loaders.abilities.load((thing, root.id))

    return strawberry.field(
        resolver=resolve, description="What you may do with it, as far as it does not wait for anybody's approval."
    )
