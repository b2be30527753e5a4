"""Invitations in GraphQL."""

from typing import Annotated

import strawberry

from app.domain.actors import Role
from app.domain.policy import ResourceType
from app.graphql.abilities import Abilities, viewer_can
from app.graphql.actors import Actor
from app.graphql.auth import Me
from app.graphql.context import Info, listing
from app.graphql.enums import describe
from app.graphql.inputs import Input, body_of
from app.graphql.members import OrgSlug
from app.graphql.orgs import Org
from app.graphql.relay import After, Before, Connection, First, Last, Node
from app.graphql.scalars import Time
from app.models import Invitation as InvitationRow
from app.services import invitations, sessions
from app.services.invitations import Status, status_of

describe(
    Status,
    "InvitationStatus",
    "Whether an invitation still waits.",
    {Status.PENDING: "It can be accepted.", Status.EXPIRED: "It is older than 7 days."},
)
Token = Annotated[str, strawberry.argument(description="The secret at the end of the invitation's address.")]


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


@strawberry.input(description="Whom to invite, and as what.")
class CreateInvitationInput:
    org_slug: str = strawberry.field(description="Which organisation.")
    email: str = strawberry.field(description="Whom; the link is mailed there.")
    role: Role = strawberry.field(description="As what; not above your own role.")


@strawberry.type(description="A new invitation.")
class CreateInvitationPayload:
    invitation: Invitation = strawberry.field(description="The invitation.")
    accept_url: str = strawberry.field(description="Where it is accepted; shown once.")


@strawberry.input(description="Which invitation to take back.")
class RevokeInvitationInput:
    org_slug: str = strawberry.field(description="Which organisation.")
    invitation_id: strawberry.ID = strawberry.field(description="Which invitation.")


@strawberry.type(description="A revoked invitation.")
class RevokeInvitationPayload:
    invitation: Invitation = strawberry.field(description="The invitation as it was.")


@strawberry.input(description="An invitation's secret, and how a new user wants to be called.")
class AcceptInvitationInput:
    token: str = strawberry.field(description="What stands at the end of the invitation's address.")
    display_name: str | None = strawberry.field(default=strawberry.UNSET, description="Your name, if you are new here.")


@strawberry.type(description="An accepted invitation.")
class AcceptInvitationPayload:
    """What `acceptInvitation` gives; for a new user the answer sets the session cookie."""

    me: Me = strawberry.field(description="Who has accepted.")
    org: Org = strawberry.field(description="Where they are a member now.")


@strawberry.type
class InvitationQueries:
    @strawberry.field(description="An organisation's invitations that nobody has accepted, oldest first.")
    async def invitations(
        self,
        info: Info,
        org_slug: OrgSlug,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Invitation] | None:
        page_args = listing(info, first=first, after=after, last=last, before=before)
        async with info.context.unit() as uow:
            page = await invitations.list_invitations(uow, org_slug, page_args)
        return Connection.of(info.context, page, lambda row: row.id, Invitation.of)

    @strawberry.field(description="What an invitation's link leads to. Needs no credentials.")
    async def invitation(self, info: Info, token: Token) -> InvitationPreview | None:
        async with info.context.unit() as uow:
            row, org = await invitations.get_invitation(uow, token)
        return InvitationPreview(
            org_name=org.name, org_slug=org.slug, email=row.email, role=row.role, expires_at=Time(row.expires_at)
        )


@strawberry.type
class InvitationMutations:
    @strawberry.mutation(description="Invite an email. The link is mailed, and shown once in the answer.")
    async def create_invitation(
        self, info: Info, input: Input[CreateInvitationInput]
    ) -> CreateInvitationPayload | None:
        body = body_of(input, "org_slug")
        async with info.context.unit() as uow:
            row, url = await invitations.create_invitation(uow, input.org_slug, body, info.context.client())
        return CreateInvitationPayload(invitation=Invitation.of(row), accept_url=url)

    @strawberry.mutation(description="Take an invitation back: its links lead nowhere from now on.")
    async def revoke_invitation(
        self, info: Info, input: Input[RevokeInvitationInput]
    ) -> RevokeInvitationPayload | None:
        async with info.context.unit() as uow:
            row = await invitations.revoke_invitation(uow, input.org_slug, input.invitation_id, {})
        return RevokeInvitationPayload(invitation=Invitation.of(row))

    @strawberry.mutation(description="Accept an invitation: as a new user, who is signed in, or with your own session.")
    async def accept_invitation(
        self, info: Info, input: Input[AcceptInvitationInput]
    ) -> AcceptInvitationPayload | None:
        async with info.context.unit() as uow:
            accepted = await invitations.accept_invitation(uow, input.token, body_of(input, "token"))
            me = await sessions.me(uow)
        if accepted.session is not None:
            info.context.sign_in(accepted.session)
        return AcceptInvitationPayload(me=Me.of(me), org=Org.of(accepted.org))
