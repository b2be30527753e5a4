"""Members in GraphQL."""

from typing import Annotated

import strawberry

from app.domain.actors import Role
from app.graphql.arguments import After, Before, First, Last, OrgSlug
from app.graphql.context import Info, listing
from app.graphql.inputs import Input, body_of, if_match, if_match_field, reason_field
from app.graphql.types.members import Member, MintedToken
from app.graphql.types.relay import Connection
from app.services import members

UserId = Annotated[strawberry.ID, strawberry.argument(description="The person's id.")]


@strawberry.input(description="A member's new role.")
class UpdateMemberInput:
    org_slug: str = strawberry.field(description="Which organisation.")
    user_id: strawberry.ID = strawberry.field(description="Which member.")
    role: Role = strawberry.field(description="Their role from now on.")
    if_match: str | None = if_match_field()


@strawberry.input(description="Whom to remove; yourself, to leave.")
class RemoveMemberInput:
    org_slug: str = strawberry.field(description="Which organisation.")
    user_id: strawberry.ID = strawberry.field(description="Which member.")
    revoke_tokens: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the tokens that they minted are revoked, too."
    )
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()


@strawberry.type(description="A changed member.")
class UpdateMemberPayload:
    member: Member = strawberry.field(description="The member as they are now.")


@strawberry.type(description="A removed member.")
class RemoveMemberPayload:
    member: Member = strawberry.field(description="The member as they were.")
    tokens: list[MintedToken] = strawberry.field(description="The live tokens that they had minted.")
    tokens_revoked: bool = strawberry.field(description="Whether those were revoked.")


@strawberry.type
class MemberQueries:
    @strawberry.field(description="The members of an organisation, in the order of their joining.")
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
    @strawberry.mutation(description="Give a member another role.")
    async def update_member(self, info: Info, input: Input[UpdateMemberInput]) -> UpdateMemberPayload | None:
        body = body_of(input, "org_slug", "user_id")
        async with info.context.unit() as uow:
            member = await members.update_member(uow, input.org_slug, input.user_id, body, if_match(input))
        return UpdateMemberPayload(member=Member.of(member))

    @strawberry.mutation(description="Remove a member, or leave. The tokens that they minted go on, unless you say so.")
    async def remove_member(self, info: Info, input: Input[RemoveMemberInput]) -> RemoveMemberPayload | None:
        body = body_of(input, "org_slug", "user_id")
        async with info.context.unit() as uow:
            removed = await members.remove_member(uow, input.org_slug, input.user_id, body, if_match(input))
        tokens = [MintedToken.of(token) for token in removed.tokens]
        return RemoveMemberPayload(member=Member.of(removed.member), tokens=tokens, tokens_revoked=removed.revoked)
