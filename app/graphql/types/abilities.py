"""`viewerCan` and `viewerCannot`: what the caller may do with a resource, from the policy that then answers."""

from typing import Any

import strawberry

from app.domain import inabilities
from app.domain.operations import Operation, ResourceType
from app.graphql.context import Info


@strawberry.type(description="Something that you cannot do without anybody's approval.")
class Inability:
    action: Operation = strawberry.field(description="What you cannot do.")
    code: str = strawberry.field(
        description="The code that it is refused with, one of those in `errorCatalog`; `approval_missing`, too, "
        "where doing it makes a proposal."
    )
    message: str = strawberry.field(description="Why you cannot, in the words that it is refused with.")
    who: str = strawberry.field(description="Who can, or what a token needs for it.")

    @classmethod
    def of(cls, action: Operation, inability: inabilities.Inability) -> "Inability":
        return cls(action=action, code=inability.code, message=inability.message, who=inability.who)


Abilities = list[Operation] | None
Inabilities = list[Inability] | None


def viewer_can(resource: ResourceType) -> Any:
    async def resolve(root: strawberry.Parent[Any], info: Info) -> Abilities:
        info.context.pace.made(1)
        found = await info.context.loaders.abilities.load((resource, root.id))
        return [operation for operation, why_not in found.items() if why_not is None]

    return strawberry.field(resolver=resolve, description="What you may do with it without anybody's approval.")


def viewer_cannot(resource: ResourceType) -> Any:
    async def resolve(root: strawberry.Parent[Any], info: Info) -> Inabilities:
        info.context.pace.made(1)
        found = await info.context.loaders.abilities.load((resource, root.id))
        return [Inability.of(operation, why_not) for operation, why_not in found.items() if why_not is not None]

    return strawberry.field(
        resolver=resolve,
        description="All else that can be done with it: why you may not do it, or not without approval, and who can.",
    )
