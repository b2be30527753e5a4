"""What refers to flags, configs and segments."""

import strawberry

from app.graphql.types.resources import Environment, Primitive, identity_of
from app.store.references import Referrer as ReferrerRow


@strawberry.type(description="Something whose rules refer to a flag, config or segment in an environment.")
class Referrer:
    primitive: Primitive = strawberry.field(description="What refers to it.")
    environment: Environment = strawberry.field(description="Where.")
    paths: list[str] = strawberry.field(description="The path of each `$segment` or `$flag` in the rules.")

    @classmethod
    def of(cls, row: ReferrerRow) -> "Referrer":
        return cls(
            primitive=identity_of(row.primitive), environment=Environment.of(row.environment), paths=list(row.paths)
        )
