"""Members of organisations."""

import strawberry

from app.access.etags import row_etag
from app.domain.actors import Role
from app.domain.operations import ResourceType
from app.graphql.types.abilities import Abilities, Inabilities, viewer_can, viewer_cannot
from app.graphql.types.relay import Node
from app.graphql.types.scalars import Time
from app.models import ApiKey, Invitation
from app.store.members import Member as MemberRows


@strawberry.type(description="A person in an organisation.")
class Member(Node):
    user_id: strawberry.ID = strawberry.field(description="The person's id, which mutations take.")
    email: str = strawberry.field(description="Their email.")
    display_name: str = strawberry.field(description="The display name.")
    role: Role = strawberry.field(description="Their role.")
    created_at: Time = strawberry.field(description="When they joined.")
    updated_at: Time = strawberry.field(description="When their role was last changed.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.MEMBER)
    viewer_cannot: Inabilities = viewer_cannot(ResourceType.MEMBER)

    @classmethod
    def of(cls, rows: MemberRows) -> "Member":
        membership, user = rows
        return cls(
            id=strawberry.ID(membership.id),
            user_id=strawberry.ID(user.id),
            email=user.email,
            display_name=user.display_name,
            role=membership.role,
            created_at=Time(membership.created_at),
            updated_at=Time(membership.updated_at),
            etag=row_etag(membership),
        )


@strawberry.type(description="A token that a member minted.")
class MintedToken:
    token_id: strawberry.ID = strawberry.field(description="The token's id.")
    name: str = strawberry.field(description="Its name.")

    @classmethod
    def of(cls, row: ApiKey) -> "MintedToken":
        return cls(token_id=strawberry.ID(row.id), name=row.name)


@strawberry.type(description="An invitation that a member made.")
class MadeInvitation:
    invitation_id: strawberry.ID = strawberry.field(description="The invitation's id.")
    email: str = strawberry.field(description="Who was invited.")
    role: Role = strawberry.field(description="As what.")

    @classmethod
    def of(cls, row: Invitation) -> "MadeInvitation":
        return cls(invitation_id=strawberry.ID(row.id), email=row.email, role=row.role)
