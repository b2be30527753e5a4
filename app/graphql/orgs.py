"""Organisations."""

import strawberry

from app.graphql.arguments import After, Before, First, Last, OrgSlug
from app.graphql.context import Info, listing
from app.graphql.inputs import Confirmed, Overridable, body_of, if_match, optional_field, path_field
from app.graphql.types.relay import Connection
from app.graphql.types.resources import Org
from app.services import orgs


@strawberry.input(description="A new organisation, of which you become an owner.")
class CreateOrgInput:
    slug: str = strawberry.field(description="Unique on the instance; never changes.")
    name: str = strawberry.field(description="The display name.")


@strawberry.input
class OfSlug:
    slug: str = path_field("The organisation's slug.")


@strawberry.input(description="Changes to an organisation; what is left out stays.")
class UpdateOrgInput(OfSlug, Overridable):
    name: str | None = optional_field("The new display name.")
    default_target_id_field: str | None = optional_field(
        "The context field that ids are taken from; null for `userId`."
    )
    max_rate_limit_per_min: int | None = optional_field("Requests a minute for all its tokens together.")


@strawberry.input(description="The organisation to delete, with everything in it.")
class DeleteOrgInput(OfSlug, Confirmed, Overridable):
    pass


@strawberry.type
class WrittenOrg:
    org: Org = strawberry.field(description="The organisation as it is now; a deleted one, as it was.")


@strawberry.type(description="A new organisation.")
class CreateOrgPayload(WrittenOrg):
    pass


@strawberry.type(description="A changed organisation.")
class UpdateOrgPayload(WrittenOrg):
    pass


@strawberry.type(description="A deleted organisation.")
class DeleteOrgPayload(WrittenOrg):
    pass


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
    async def create_org(self, info: Info, input: CreateOrgInput) -> CreateOrgPayload | None:
        async with info.context.unit() as uow:
            org = await orgs.create_org(uow, body_of(input))
        return CreateOrgPayload(org=Org.of(org))

    @strawberry.mutation(description="Change an organisation.")
    async def update_org(self, info: Info, input: UpdateOrgInput) -> UpdateOrgPayload | None:
        async with info.context.unit(input) as uow:
            org = await orgs.update_org(uow, input.slug, body_of(input), if_match(input))
        return UpdateOrgPayload(org=Org.of(org))

    @strawberry.mutation(description="Delete an organisation with everything in it.")
    async def delete_org(self, info: Info, input: DeleteOrgInput) -> DeleteOrgPayload | None:
        async with info.context.unit(input) as uow:
            org = await orgs.delete_org(uow, input.slug, body_of(input), if_match(input))
        return DeleteOrgPayload(org=Org.of(org))
