"""Invitations in GraphQL."""

import strawberry

from app.domain.actors import Role
from app.domain.policy import ResourceType
from app.graphql.types.abilities import Abilities, viewer_can
from app.graphql.types.actors import Actor
from app.graphql.types.relay import Node
from app.graphql.types.scalars import Time
from app.models import Invitation as InvitationRow
from app.services.invitations import Status, status_of


@strawberry.type(description="An email's way into an organisation, which nobody has gone yet.")
class Invitation(Node):
    """An invitation that nobody has accepted."""

    email: str = strawberry.field(description="Who is invited.")
    role: Role = strawberry.field(description="As what.")
    status: Status = strawberry.field(description="Whether it still waits.")
    invited_by: Actor = strawberry.field(description="Who invited.")
    created_at: Time = strawberry.field(description="When it was made.")
    expires_at: Time = strawberry.field(description="When it expires.")
    viewer_can: Abilities = viewer_can(ResourceType.INVITATION)

    @classmethod
    def of(cls, row: InvitationRow) -> "Invitation":
        return cls(
            id=strawberry.ID(row.id),
            email=row.email,
            role=row.role,
            status=status_of(row),
            invited_by=Actor.of(row.invited_by),
            created_at=Time(row.created_at),
            expires_at=Time(row.expires_at),
        )


@strawberry.type(description="What whoever holds an invitation's link is told.")
class InvitationPreview:
    org_name: str = strawberry.field(description="What people call the organisation.")
    org_slug: str = strawberry.field(description="The organisation's slug.")
    email: str = strawberry.field(description="Who is invited.")
    role: Role = strawberry.field(description="As what.")
    expires_at: Time = strawberry.field(description="When it expires.")
