"""What changed flags, configs and segments in an environment, as REST shows it."""

from typing import Any, Self

from pydantic import Field

from app.engine.kinds import Kind
from app.rest.openapi.samples import ADA_ID, NOON
from app.rest.schemas import ActorSchema, Schema, Time
from app.services.primitive_history import HistoryEntry

_CHANGE = {
    "at": NOON,
    "version": 3,
    "actor": {"kind": "member", "id": ADA_ID, "name": "Ada"},
    "action": "update_state",
    "requestId": "req_0123456789abcdef",
    "reason": "Agreed with the team",
    "changes": {"defaultValue": {"from": False, "to": True}},
}


class CauseSchema(Schema):
    """What was changed and others rest on."""

    resource_type: Kind
    key: str


class FromToSchema(Schema):
    """What a dimension was and became."""

    before: Any = Field(alias="from")
    to: Any


class PrimitiveChangeSchema(Schema, json_schema_extra={"examples": [_CHANGE]}):
    """What changed a flag, config or segment at a version of an environment."""

    at: Time
    version: int
    actor: ActorSchema
    action: str | None
    request_id: str | None
    reason: str | None
    changes: dict[str, FromToSchema]
    caused_by: CauseSchema | None = None

    @classmethod
    def from_row(cls, row: HistoryEntry) -> Self:
        cause = row.caused_by
        caused = {} if cause is None else {"caused_by": CauseSchema(resource_type=cause.kind, key=cause.key)}
        return cls(
            at=row.at,
            version=row.version,
            actor=ActorSchema.model_validate(row.actor),
            action=row.action,
            request_id=row.request_id,
            reason=row.reason,
            changes={one.dimension: FromToSchema(before=one.before, to=one.after) for one in row.changes},
            **caused,
        )
