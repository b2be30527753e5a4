"""Members of organisations."""

from typing import Annotated

import strawberry

from app.domain.actors import Role
from app.graphql.arguments import After, Before, First, Last, OrgSlug
from app.graphql.context import Info, listing
from app.graphql.inputs import Audited, Conditional, OfOrg, body_of, if_match, optional_field, path_field
from app.graphql.types.members import MadeInvitation, Member, MintedToken
from app.graphql.types.relay import Connection
from app.services import members

UserId = Annotated[strawberry.ID, strawberry.argument(description="The person's id.")]


@strawberry.input
class OfMember(OfOrg):
    user_id: strawberry.ID = path_field("The person's id.")


@strawberry.input(description="A member's new role.")
class UpdateMemberInput(OfMember, Conditional):
    role: Role = strawberry.field(description="The role.")


@strawberry.input(description="The member to remove; yourself, to leave.")
class RemoveMemberInput(OfMember, Audited):
    revoke_tokens: bool | None = optional_field("Whether to revoke the tokens that they minted.")


@strawberry.type
class WrittenMember:
    member: Member = strawberry.field(description="The member as they are now; a removed one, as they were.")


@strawberry.type(description="A changed member.")
class UpdateMemberPayload(WrittenMember):
    pass


@strawberry.type(description="A removed member.")
class RemoveMemberPayload(WrittenMember):
    tokens: list[MintedToken] = strawberry.field(description="The live tokens that they had minted.")
    tokens_revoked: bool = strawberry.field(description="Whether those were revoked.")
    invitations: list[MadeInvitation] = strawberry.field(
        description="The open invitations that they had made, which are revoked."
    )


@strawberry.type
class MemberQueries:
    @strawberry.field(description="The members of an organisation, oldest membership first.")
    async def members(
        self,
        info: Info,
        org_slug: OrgSlug,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Member] | None:
        page_args = listing(info, first=first, after=after, last=last, before=before)
        async with info.context.unit() as uow:
            page = await members.list_members(uow, org_slug, page_args)
        return Connection.of(info.context, page, lambda member: member.membership.id, Member.of)

    @strawberry.field(description="A member of an organisation.")
    async def member(self, info: Info, org_slug: OrgSlug, user_id: UserId) -> Member | None:
        async with info.context.unit() as uow:
            return Member.of(await members.get_member(uow, org_slug, user_id))


@strawberry.type
class MemberMutations:
    @strawberry.mutation(
        description="Change a member's role. Open invitations that they could not make with it are revoked."
    )
    async def update_member(self, info: Info, input: UpdateMemberInput) -> UpdateMemberPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            member = await members.update_member(uow, input.org_slug, input.user_id, body, if_match(input))
        return UpdateMemberPayload(member=Member.of(member))

    @strawberry.mutation(
        description="Remove a member, or leave. The tokens that they minted stay valid unless `revokeTokens` is set; "
        "the open invitations that they made are revoked."
    )
    async def remove_member(self, info: Info, input: RemoveMemberInput) -> RemoveMemberPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            removed = await members.remove_member(uow, input.org_slug, input.user_id, body, if_match(input))
        tokens = [MintedToken.of(token) for token in removed.tokens]
        return RemoveMemberPayload(
            member=Member.of(removed.member),
            tokens=tokens,
            tokens_revoked=removed.revoked,
            invitations=[MadeInvitation.of(invitation) for invitation in removed.invitations],
        )
