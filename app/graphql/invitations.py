"""Invitations."""

from typing import Annotated

import strawberry

from app.domain.actors import Role
from app.graphql.arguments import After, Before, First, Last, OrgSlug
from app.graphql.auth import SignedInPayload
from app.graphql.context import Info, listing
from app.graphql.inputs import OfOrg, body_of, optional_field, path_field
from app.graphql.types.auth import Me
from app.graphql.types.invitations import Invitation, InvitationPreview
from app.graphql.types.relay import Connection
from app.graphql.types.resources import Org
from app.graphql.types.scalars import Time
from app.services import invitations, sessions

Token = Annotated[str, strawberry.argument(description="The secret at the end of the invitation's address.")]


@strawberry.input(description="The person to invite, and their role.")
class CreateInvitationInput(OfOrg):
    email: str = strawberry.field(description="The email that the link is mailed to.")
    role: Role = strawberry.field(description="Their role; not above your own.")


@strawberry.input(description="The invitation to revoke.")
class RevokeInvitationInput(OfOrg):
    invitation_id: strawberry.ID = path_field("The invitation's id.")


@strawberry.input(description="An invitation's secret, and the name of a new user.")
class AcceptInvitationInput:
    token: str = path_field("The secret at the end of the invitation's address.")
    display_name: str | None = optional_field("Your name, if you are a new user.")


@strawberry.type
class WrittenInvitation:
    invitation: Invitation = strawberry.field(description="The invitation; a revoked one, as it was.")


@strawberry.type(description="A new invitation.")
class CreateInvitationPayload(WrittenInvitation):
    accept_url: str = strawberry.field(description="Where it is accepted; shown once.")


@strawberry.type(description="A revoked invitation.")
class RevokeInvitationPayload(WrittenInvitation):
    pass


@strawberry.type(description="An accepted invitation. A new user is signed in: the answer sets the session cookie.")
class AcceptInvitationPayload(SignedInPayload):
    org: Org = strawberry.field(description="The organisation joined.")


@strawberry.type
class InvitationQueries:
    @strawberry.field(description="The pending invitations of an organisation, oldest first.")
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

    @strawberry.field(description="What an invitation's link is for. Needs no credentials.")
    async def invitation(self, info: Info, token: Token) -> InvitationPreview | None:
        async with info.context.unit() as uow:
            row, org = await invitations.get_invitation(uow, token)
        return InvitationPreview(
            org_name=org.name, org_slug=org.slug, email=row.email, role=row.role, expires_at=Time(row.expires_at)
        )


@strawberry.type
class InvitationMutations:
    @strawberry.mutation(description="Invite a person by email. The link is mailed, and shown once in the answer.")
    async def create_invitation(self, info: Info, input: CreateInvitationInput) -> CreateInvitationPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            row, url = await invitations.create_invitation(uow, input.org_slug, body)
        return CreateInvitationPayload(invitation=Invitation.of(row), accept_url=url)

    @strawberry.mutation(description="Revoke an invitation. Its links stop working.")
    async def revoke_invitation(self, info: Info, input: RevokeInvitationInput) -> RevokeInvitationPayload | None:
        async with info.context.unit() as uow:
            row = await invitations.revoke_invitation(uow, input.org_slug, input.invitation_id, {})
        return RevokeInvitationPayload(invitation=Invitation.of(row))

    @strawberry.mutation(description="Accept an invitation with your own session, or as a new user, who is signed in.")
    async def accept_invitation(self, info: Info, input: AcceptInvitationInput) -> AcceptInvitationPayload | None:
        async with info.context.unit() as uow:
            uow.client = info.context.remember_browser()
            accepted = await invitations.accept_invitation(uow, input.token, body_of(input))
            me = await sessions.me(uow)
        if accepted.session is not None:
            info.context.sign_in(accepted.session)
        return AcceptInvitationPayload(me=Me.of(me), org=Org.of(accepted.org))
