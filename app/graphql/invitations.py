"""Invitations in GraphQL."""

from typing import Annotated

import strawberry

from app.domain.actors import Role
from app.graphql.arguments import After, Before, First, Last, OrgSlug
from app.graphql.context import Info, listing
from app.graphql.inputs import Input, body_of
from app.graphql.types.auth import Me
from app.graphql.types.invitations import Invitation, InvitationPreview
from app.graphql.types.relay import Connection
from app.graphql.types.resources import Org
from app.graphql.types.scalars import Time
from app.services import invitations, sessions

Token = Annotated[str, strawberry.argument(description="The secret at the end of the invitation's address.")]


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
