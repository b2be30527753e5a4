"""Organisations in GraphQL."""

import strawberry

from app.graphql.arguments import After, Before, First, Last, OrgSlug
from app.graphql.context import Info, listing
from app.graphql.inputs import Input, body_of, break_glass_field, confirm_field, if_match, if_match_field, reason_field
from app.graphql.types.relay import Connection
from app.graphql.types.resources import Org
from app.services import orgs


@strawberry.input(description="A new organisation; who creates it becomes its owner.")
class CreateOrgInput:
    slug: str = strawberry.field(description="Unique on the instance; never changes.")
    name: str = strawberry.field(description="What people call it.")


@strawberry.input(description="What changes of an organisation; what is left out stays.")
class UpdateOrgInput:
    slug: str = strawberry.field(description="Which organisation.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its new name.")
    default_target_id_field: str | None = strawberry.field(
        default=strawberry.UNSET, description="The context field that ids are taken from; null for `userId`."
    )
    max_rate_limit_per_min: int | None = strawberry.field(
        default=strawberry.UNSET, description="Requests a minute for all its tokens together."
    )
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()
    break_glass: str | None = break_glass_field()


@strawberry.input(description="Which organisation to delete, with all below it.")
class DeleteOrgInput:
    slug: str = strawberry.field(description="Which organisation.")
    confirm: str | None = confirm_field()
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()
    break_glass: str | None = break_glass_field()


@strawberry.type(description="A new organisation.")
class CreateOrgPayload:
    org: Org = strawberry.field(description="The organisation.")


@strawberry.type(description="A changed organisation.")
class UpdateOrgPayload:
    org: Org = strawberry.field(description="The organisation as it is now.")


@strawberry.type(description="A deleted organisation.")
class DeleteOrgPayload:
    org: Org = strawberry.field(description="The organisation as it was.")


@strawberry.type
class OrgQueries:
    @strawberry.field(description="The organisations you are in, oldest first.")
    async def orgs(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Org] | None:
        page_args = listing(info, first=first, after=after, last=last, before=before)
        async with info.context.unit() as uow:
            page = await orgs.list_orgs(uow, page_args)
        return Connection.of(info.context, page, lambda row: row.id, Org.of)

    @strawberry.field(description="An organisation that you are in.")
    async def org(self, info: Info, slug: OrgSlug) -> Org | None:
        async with info.context.unit() as uow:
            return Org.of(await orgs.get_org(uow, slug))


@strawberry.type
class OrgMutations:
    @strawberry.mutation(description="Create an organisation with yourself as its owner.")
    async def create_org(self, info: Info, input: Input[CreateOrgInput]) -> CreateOrgPayload | None:
        async with info.context.unit() as uow:
            org = await orgs.create_org(uow, body_of(input))
        return CreateOrgPayload(org=Org.of(org))

    @strawberry.mutation(description="Change an organisation.")
    async def update_org(self, info: Info, input: Input[UpdateOrgInput]) -> UpdateOrgPayload | None:
        limit = info.context.node.settings.max_rate_per_min
        async with info.context.unit(input) as uow:
            org = await orgs.update_org(uow, input.slug, body_of(input, "slug"), if_match(input), limit)
        return UpdateOrgPayload(org=Org.of(org))

    @strawberry.mutation(description="Delete an organisation with all below it.")
    async def delete_org(self, info: Info, input: Input[DeleteOrgInput]) -> DeleteOrgPayload | None:
        async with info.context.unit(input) as uow:
            org = await orgs.delete_org(uow, input.slug, body_of(input, "slug"), if_match(input))
        return DeleteOrgPayload(org=Org.of(org))
