"""Organisations in GraphQL."""

from typing import Annotated

import strawberry

from app.access.child_pages import ChildPage
from app.access.etags import row_etag
from app.domain.policy import ResourceType
from app.graphql.abilities import Abilities, viewer_can
from app.graphql.context import Info, listing
from app.graphql.inputs import Input, body_of, break_glass_field, confirm_field, if_match, if_match_field, reason_field
from app.graphql.projects import Project
from app.graphql.relay import After, Before, Connection, First, KeyFilter, Last, Node
from app.graphql.scalars import Time
from app.models import Org as OrgRow
from app.services import orgs

Slug = Annotated[str, strawberry.argument(description="The organisation's slug.")]


@strawberry.type(description="A tenant: people, tokens and projects that belong together.")
class Org(Node):
    slug: str = strawberry.field(description="Unique on the instance; never changes.")
    name: str = strawberry.field(description="What people call it.")
    default_target_id_field: str | None = strawberry.field(
        description="The context field that ids are taken from, where a project names none; `userId` if null."
    )
    max_rate_limit_per_min: int = strawberry.field(description="Requests a minute for all its tokens together.")
    created_at: Time = strawberry.field(description="When it was made.")
    updated_at: Time = strawberry.field(description="When it was last changed.")
    etag: str = strawberry.field(description="The tag that `ifMatch` takes.")
    viewer_can: Abilities = viewer_can(ResourceType.ORG)

    @classmethod
    def of(cls, row: OrgRow) -> "Org":
        return cls(
            id=strawberry.ID(row.id),
            slug=row.slug,
            name=row.name,
            default_target_id_field=row.default_target_id_field,
            max_rate_limit_per_min=row.max_rate_limit_per_min,
            created_at=Time(row.created_at),
            updated_at=Time(row.updated_at),
            etag=row_etag(row),
        )

    @strawberry.field(description="Its projects, oldest first.")
    async def projects(
        self,
        info: Info,
        key: KeyFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Project] | None:
        page_args = listing(info, key=key, first=first, after=after, last=last, before=before)
        page = await info.context.loaders.projects.load(ChildPage(self.id, page_args))
        return Connection.of(info.context, page, lambda row: row.id, Project.of)


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
    async def org(self, info: Info, slug: Slug) -> Org | None:
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
