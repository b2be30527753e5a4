"""The context fields that are known in an environment."""

from typing import Any, cast

import strawberry

from app.engine.attributes import Attribute as Found
from app.engine.attributes import Attributes as FoundAttributes
from app.graphql.context import Info
from app.graphql.pace import lazily
from app.graphql.types.scalars import JSON


@strawberry.type(description="A field of contexts.")
class Attribute:
    name: str = strawberry.field(description="Its path, as rules name it.")
    types: list[str] = strawberry.field(
        description="The types of JSON that rules compare it with, or that it was seen with: array, boolean, null, "
        "number, object, string."
    )
    values: list[JSON] = strawberry.field(
        description="A few short values: those that rules compare it with, then those that were seen most often."
    )
    used: int = strawberry.field(description="How many flags, configs and segments that you may read have rules on it.")
    sampled: int = strawberry.field(description="How many contexts of the traffic sample have it.")

    @classmethod
    def of(cls, found: Found) -> "Attribute":
        values = cast("list[JSON]", found.values)
        return cls(name=found.name, types=list(found.types), values=values, used=found.used, sampled=found.sampled)


@strawberry.type(description="The context fields that are known in an environment.")
class Attributes:
    version: int = strawberry.field(description="The environment's version.")
    attributes: list[Attribute] = strawberry.field(description="Those that are used most come first. At most 1,000.")
    truncated: bool = strawberry.field(description="Whether there are more.")

    @classmethod
    def of(cls, found: FoundAttributes) -> "Attributes":
        return cls(version=found.version, attributes=lazily(found.attributes, Attribute.of), truncated=found.truncated)


def attributes_of_environment() -> Any:
    """Those of an environment."""

    async def resolve(root: strawberry.Parent[Any], info: Info) -> Attributes | None:
        found = await info.context.loaders.attributes.load(root.id)
        return None if found is None else Attributes.of(found)

    return strawberry.field(
        resolver=resolve, description="The context fields that its rules name, and those of its traffic sample."
    )
