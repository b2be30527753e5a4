"""Invitations."""

import strawberry

from app.domain.actors import Role
from app.domain.operations import ResourceType
from app.graphql.context import Info
from app.graphql.types.abilities import Abilities, Inabilities, viewer_can, viewer_cannot
from app.graphql.types.actors import Actor
from app.graphql.types.relay import Node
from app.graphql.types.scalars import Time
from app.models import Invitation as InvitationRow
from app.services.invitations import Status, status_of


@strawberry.type(description="A pending invitation.")
class Invitation(Node):
    email: str = strawberry.field(description="The email of the person invited.")
    role: Role = strawberry.field(description="The role they will have.")
    invited_by: Actor = strawberry.field(description="Who created the invitation.")
    created_at: Time = strawberry.field(description="When it was created.")
    expires_at: Time = strawberry.field(description="When it expires.")
    viewer_can: Abilities = viewer_can(ResourceType.INVITATION)
    viewer_cannot: Inabilities = viewer_cannot(ResourceType.INVITATION)
    row: strawberry.Private[InvitationRow]

    @classmethod
    def of(cls, row: InvitationRow) -> "Invitation":
        return cls(
            id=strawberry.ID(row.id),
            email=row.email,
            role=row.role,
            invited_by=Actor.of(row.invited_by),
            created_at=Time(row.created_at),
            expires_at=Time(row.expires_at),
            row=row,
        )

    @strawberry.field(description="Whether it can still be accepted.")
    def status(self, info: Info) -> Status:
        return status_of(self.row, info.context.node.clock.now())


@strawberry.type(description="What the holder of an invitation's link sees.")
class InvitationPreview:
    org_name: str = strawberry.field(description="The organisation's display name.")
    org_slug: str = strawberry.field(description="The organisation's slug.")
    email: str = strawberry.field(description="The email of the person invited.")
    role: Role = strawberry.field(description="The role they will have.")
    expires_at: Time = strawberry.field(description="When it expires.")
