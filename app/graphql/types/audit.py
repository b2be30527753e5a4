"""Events of the audit."""

from typing import Any, cast

import strawberry

from app.access.batches import ChildPage
from app.access.paging import Listing
from app.domain.operations import ResourceType
from app.graphql.context import Info
from app.graphql.lists import OF_AUDIT, list_field
from app.graphql.types.actors import Actor
from app.graphql.types.proposals import ProposedVersion
from app.graphql.types.relay import Connection, Node
from app.graphql.types.scalars import JSON, Time
from app.services.audit import Detailed
from app.store.audit import Recorded


@strawberry.type(description="Something that was done, or somebody who came in or was refused.")
class AuditEvent(Node):
    at: Time = strawberry.field(description="When it was done.")
    request_id: str = strawberry.field(description="The id of the request that did it, which is also in the log.")
    actor: Actor = strawberry.field(description="Who did it.")
    approvers: list[Actor] = strawberry.field(description="Who had approved of it, where it was proposed.")
    action: str = strawberry.field(description="What was done, by the name of the policy's row.")
    resource_type: str = strawberry.field(description="The type of what it was done to.")
    resource_id: str = strawberry.field(description="The id of what it was done to.")
    resource_key: str = strawberry.field(description="The key, slug or email of what it was done to.")
    project_id: strawberry.ID | None = strawberry.field(description="The project's id, if it was done in one.")
    proposal_id: strawberry.ID | None = strawberry.field(description="The proposal's id, if it was done to one.")
    versions: list[ProposedVersion] = strawberry.field(description="The versions of environments that it made.")
    reason: str | None = strawberry.field(description="Why.")
    break_glass: bool = strawberry.field(description="Whether it overrode protection.")

    @classmethod
    def of(cls, row: Recorded) -> "AuditEvent":
        event = row.event
        return cls(
            id=strawberry.ID(event.id),
            at=Time(event.at),
            request_id=event.request_id,
            actor=Actor.of(event.actor),
            approvers=[Actor.of(one) for one in event.approvers],
            action=event.action,
            resource_type=event.resource_type,
            resource_id=event.resource_id,
            resource_key=event.resource_key,
            project_id=None if event.project_id is None else strawberry.ID(event.project_id),
            proposal_id=None if event.proposal_id is None else strawberry.ID(event.proposal_id),
            versions=[ProposedVersion(env_id=strawberry.ID(one), version=version) for one, version in row.versions],
            reason=event.reason,
            break_glass=event.break_glass,
        )


@strawberry.type(description="An event with what its subject was and became.")
class AuditEventDetail:
    event: AuditEvent = strawberry.field(description="The event.")
    previous_value: JSON | None = strawberry.field(
        description="What its subject was: a state, by environment if several; or what is kept of all else."
    )
    new_value: JSON | None = strawberry.field(description="What it became; null for a delete.")
    diff: JSON = strawberry.field(description="The JSON Patch (RFC 6902) that makes the one of the other.")

    @classmethod
    def of(cls, row: Detailed) -> "AuditEventDetail":
        return cls(
            event=AuditEvent.of(row.recorded),
            previous_value=row.previous_value,
            new_value=row.new_value,
            diff=cast("JSON", row.diff),
        )


def audit_of(parent: ResourceType, whose: str) -> Any:
    """The list of what was done to a parent of this sort, or below it."""

    async def resolve(root: Any, info: Info, asked: Listing) -> Any:
        page = await info.context.loaders.audit(parent).load(ChildPage(root.id, asked))
        return Connection.of(info.context, page, lambda row: row.event.id, AuditEvent.of)

    return list_field(f"{whose}, newest first.", OF_AUDIT, resolve)
