"""The audit."""

from typing import Annotated, Any

import strawberry

from app.access.paging import Listing
from app.graphql.arguments import OrgSlug
from app.graphql.context import Info
from app.graphql.lists import OF_AUDIT, list_field
from app.graphql.types.audit import AuditEvent, AuditEventDetail
from app.graphql.types.relay import Connection
from app.services import audit

EventId = Annotated[strawberry.ID, strawberry.argument(description="The event's id.")]


async def _list_all(_: Any, info: Info, asked: Listing, org_slug: str) -> Any:
    async with info.context.unit() as uow:
        page = await audit.list_audit_events(uow, org_slug, asked)
    return Connection.of(info.context, page, lambda row: row.event.id, AuditEvent.of)


@strawberry.type
class AuditQueries:
    audit_events: Connection[AuditEvent] | None = list_field(
        "What was done in an organisation, newest first.", OF_AUDIT, _list_all, org_slug=OrgSlug
    )

    @strawberry.field(description="An event of the audit.")
    async def audit_event(self, info: Info, id: EventId) -> AuditEventDetail | None:
        async with info.context.unit() as uow:
            return AuditEventDetail.of(await audit.get_audit_event(uow, id))
