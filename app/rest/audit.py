"""The audit over REST."""

from collections.abc import AsyncIterator
from typing import Any, Self

from starlette.responses import Response, StreamingResponse

from app.access.paging import AuditParameters, Listing
from app.domain.operations import Operation
from app.http.accept import JSON, NDJSON, rank
from app.models import AuditEvent
from app.rest.openapi.samples import ADA_ID, ENVIRONMENT_ID, EVENT_ID, FLAG_ID, NOON, PROJECT_ID
from app.rest.proposals import VersionSchema
from app.rest.requests import RestCall
from app.rest.responses import page, read
from app.rest.routing import Endpoint
from app.rest.schemas import ActorSchema, Schema, Time
from app.services import audit
from app.services.audit import Detailed
from app.store.audit import Recorded
from app.store.paging import Page
from app.store.unit_of_work import UnitOfWork

_EVENT = {
    "id": EVENT_ID,
    "at": NOON,
    "requestId": "req_0123456789abcdef",
    "actor": {"kind": "member", "id": ADA_ID, "name": "Ada"},
    "approvers": [],
    "action": "update_state",
    "resourceType": "flag",
    "resourceId": FLAG_ID,
    "resourceKey": "checkout",
    "projectId": PROJECT_ID,
    "versions": [{"envId": ENVIRONMENT_ID, "version": 3}],
    "reason": "Agreed with the team",
}
_DETAIL = {
    **_EVENT,
    "previousValue": {"defaultValue": False, "rules": [], "killed": False},
    "newValue": {"defaultValue": True, "rules": [], "killed": False},
    "diff": [{"op": "replace", "path": "/defaultValue", "value": True}],
}


class AuditEventSchema(Schema, json_schema_extra={"examples": [_EVENT]}):
    """Something that was done, or somebody who came in or was refused."""

    id: str
    at: Time
    request_id: str
    actor: ActorSchema
    approvers: list[ActorSchema]
    action: str
    resource_type: str
    resource_id: str
    resource_key: str
    project_id: str | None = None
    proposal_id: str | None = None
    versions: list[VersionSchema]
    reason: str | None = None
    break_glass: bool | None = None

    @classmethod
    def from_row(cls, row: Recorded) -> Self:
        return cls(**cls.members_of(row))

    @classmethod
    def members_of(cls, row: Recorded) -> dict[str, Any]:
        """The members of the list's schema."""
        event = row.event
        return {
            "id": event.id,
            "at": event.at,
            "request_id": event.request_id,
            "actor": ActorSchema.model_validate(event.actor),
            "approvers": [ActorSchema.model_validate(one) for one in event.approvers],
            "action": event.action,
            "resource_type": event.resource_type,
            "resource_id": event.resource_id,
            "resource_key": event.resource_key,
            "versions": [VersionSchema(env_id=one, version=version) for one, version in row.versions],
            **_optional(event),
        }


def _optional(event: AuditEvent) -> dict[str, object]:
    """What not every event has."""
    members = {"project_id": event.project_id, "proposal_id": event.proposal_id, "reason": event.reason}
    given: dict[str, object] = {name: value for name, value in members.items() if value is not None}
    return {**given, "break_glass": True} if event.break_glass else given


class AuditEventDetailSchema(AuditEventSchema, json_schema_extra={"examples": [_DETAIL]}):
    """An event with what its subject was and became."""

    previous_value: Any
    new_value: Any
    diff: list[dict[str, Any]]

    @classmethod
    def from_row(cls, row: Detailed) -> Self:  # type: ignore[override]
        values = {"previous_value": row.previous_value, "new_value": row.new_value, "diff": row.diff}
        return cls(**cls.members_of(row.recorded), **values)


async def list_audit_events(call: RestCall, uow: UnitOfWork) -> Response:
    listing = call.listing()
    found = await audit.list_audit_events(uow, call.path["slug"], listing)
    if call.query.get("format") == "ndjson" or rank(call.headers, NDJSON) > rank(call.headers, JSON):
        return StreamingResponse(_lines(call, listing, found), headers={"Cache-Control": "no-store"}, media_type=NDJSON)
    return page(call, found, lambda row: row.event.id, AuditEventSchema.from_row)


async def _lines(call: RestCall, listing: Listing, found: Page[Recorded]) -> AsyncIterator[bytes]:
    """All events, one a line, a page in memory at a time. Each page is a unit of its own, which asks again whether the
    caller may read it: a slow reader holds up nobody, and reads no longer than they may."""
    while True:
        yield b"".join(AuditEventSchema.from_row(row).encoded() + b"\n" for row in found.rows)
        if not found.has_next:
            return
        listing = listing.following(found, lambda row: row.event.id)
        async with call.unit() as uow:
            found = await audit.list_audit_events(uow, call.path["slug"], listing)


async def get_audit_event(call: RestCall, uow: UnitOfWork) -> Response:
    return read(call, AuditEventDetailSchema.from_row(await audit.get_audit_event(uow, call.path["event_id"])))


ENDPOINTS = [
    Endpoint(
        "listAuditEvents",
        "GET",
        "/orgs/{slug}/audit",
        list_audit_events,
        "What was done in an organisation",
        Operation.READ_ORG,
        response=AuditEventSchema,
        is_list=True,
        query=AuditParameters,
    ),
    Endpoint(
        "getAuditEvent",
        "GET",
        "/audit/events/{event_id}",
        get_audit_event,
        "An event of the audit",
        Operation.READ_ORG,
        response=AuditEventDetailSchema,
    ),
]
