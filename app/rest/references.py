"""What refers to something, as REST shows it."""

from typing import Self

from app.engine.kinds import Kind
from app.rest.openapi.samples import ENVIRONMENT_ID
from app.rest.schemas import Schema
from app.store.references import Referrer


class ReferrerSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "resourceType": "flag",
                "resourceKey": "checkout",
                "environmentId": ENVIRONMENT_ID,
                "environmentKey": "prod",
                "paths": ["rules.0.if.$segment"],
            }
        ]
    },
):
    """Something whose rules refer to a flag, config or segment in an environment."""

    resource_type: Kind
    resource_key: str
    environment_id: str
    environment_key: str
    paths: list[str]

    @classmethod
    def from_row(cls, row: Referrer) -> Self:
        return cls(
            resource_type=row.primitive.kind,
            resource_key=row.primitive.key,
            environment_id=row.environment.id,
            environment_key=row.environment.key,
            paths=list(row.paths),
        )
