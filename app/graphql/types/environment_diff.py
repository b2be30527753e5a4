"""What differs between two environments."""

import strawberry

from app.engine.kinds import Kind
from app.graphql.types.scalars import JSON
from app.services.environment_diff import Diff
from app.services.environment_diff import Difference as Compared


@strawberry.type(description="What two environments hold differently of a flag, config or segment.")
class Difference:
    resource_type: Kind = strawberry.field(description="Whether it is a flag, a config or a segment.")
    key: str = strawberry.field(description="Its key.")
    dimension: str = strawberry.field(
        description="What differs: `defaultValue`, `rules`, `allowList`, `denyList`, or `killed`."
    )
    value: JSON | None = strawberry.field(
        description="What it is here. Of a list, as `{add, remove}`, what the other environment's would get and lose "
        "to be like this one."
    )
    against_value: JSON | None = strawberry.field(
        description="What it is in the other environment. Of a list, as `{add, remove}`, what this one would get and "
        "lose to be like that one."
    )

    @classmethod
    def of(cls, one: Compared) -> "Difference":
        return cls(
            resource_type=one.kind,
            key=one.key,
            dimension=one.dimension,
            value=JSON(one.value),
            against_value=JSON(one.against),
        )


@strawberry.type(description="What differs between two environments of a project.")
class EnvironmentDiff:
    version: int = strawberry.field(description="The environment's version.")
    against_version: int = strawberry.field(description="The version of the one that it is compared with.")
    differences: list[Difference] = strawberry.field(
        description="Flags first, then configs, then segments, in the order of their keys. What is equal is left out."
    )

    @classmethod
    def of(cls, diff: Diff) -> "EnvironmentDiff":
        return cls(
            version=diff.version,
            against_version=diff.against_version,
            differences=[Difference.of(one) for one in diff.differences],
        )
