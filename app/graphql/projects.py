"""Projects."""

from typing import Annotated

import strawberry

from app.domain.errors import invalid
from app.graphql.arguments import After, Before, First, KeyFilter, Last, OrgSlug
from app.graphql.context import Info, listing
from app.graphql.inputs import Confirmed, OfOrg, OfProject, Overridable, Reasoned, body_of, if_match, optional_field
from app.graphql.types.relay import Connection
from app.graphql.types.resources import Project
from app.services import projects

ProjectId = Annotated[
    strawberry.ID | None, strawberry.argument(description="The project's id or name, such as acme:web.")
]
OrgSlugOfKey = Annotated[str | None, strawberry.argument(description="The slug of its organisation; requires `key`.")]
ProjectKey = Annotated[str | None, strawberry.argument(description="Its key; requires `orgSlug`.")]


@strawberry.input(description="A new project.")
class CreateProjectInput(OfOrg, Reasoned):
    key: str = strawberry.field(description="Unique in the organisation; never changes.")
    name: str = strawberry.field(description="The display name.")
    target_id_field: str | None = optional_field("The context field that ids are taken from.")


@strawberry.input(description="Changes to a project; what is left out stays.")
class UpdateProjectInput(OfProject, Overridable):
    name: str | None = optional_field("The new display name.")
    target_id_field: str | None = optional_field(
        "The context field that ids are taken from; null for the organisation's default."
    )


@strawberry.input(description="The project to delete, with everything in it.")
class DeleteProjectInput(OfProject, Confirmed, Overridable):
    pass


@strawberry.type
class WrittenProject:
    project: Project = strawberry.field(description="The project as it is now; a deleted one, as it was.")


@strawberry.type(description="A new project.")
class CreateProjectPayload(WrittenProject):
    pass


@strawberry.type(description="A changed project.")
class UpdateProjectPayload(WrittenProject):
    pass


@strawberry.type(description="A deleted project.")
class DeleteProjectPayload(WrittenProject):
    pass


@strawberry.type
class ProjectQueries:
    @strawberry.field(description="A project, by its id or by its organisation's slug and its key.")
    async def project(
        self, info: Info, id: ProjectId = None, org_slug: OrgSlugOfKey = None, key: ProjectKey = None
    ) -> Project | None:
        async with info.context.unit() as uow:
            if id is not None:
                return Project.of(await projects.get_project(uow, id))
            if org_slug is None or key is None:
                raise invalid({"id": "Give the id, or orgSlug and key."})
            return Project.of(await projects.get_project_by_key(uow, org_slug, key))

    @strawberry.field(description="The projects of an organisation, oldest first; for a token, those that it covers.")
    async def projects(
        self,
        info: Info,
        org_slug: OrgSlug,
        key: KeyFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Project] | None:
        page_args = listing(info, key=key, first=first, after=after, last=last, before=before)
        async with info.context.unit() as uow:
            page = await projects.list_projects(uow, org_slug, page_args)
        return Connection.of(info.context, page, lambda row: row.id, Project.of)


@strawberry.type
class ProjectMutations:
    @strawberry.mutation(description="Create a project.")
    async def create_project(self, info: Info, input: CreateProjectInput) -> CreateProjectPayload | None:
        async with info.context.unit() as uow:
            project = await projects.create_project(uow, input.org_slug, body_of(input))
        return CreateProjectPayload(project=Project.of(project))

    @strawberry.mutation(description="Change a project.")
    async def update_project(self, info: Info, input: UpdateProjectInput) -> UpdateProjectPayload | None:
        async with info.context.unit(input) as uow:
            project = await projects.update_project(uow, input.project_id, body_of(input), if_match(input))
        return UpdateProjectPayload(project=Project.of(project))

    @strawberry.mutation(description="Delete a project with everything in it.")
    async def delete_project(self, info: Info, input: DeleteProjectInput) -> DeleteProjectPayload | None:
        body = body_of(input)
        async with info.context.unit(input) as uow:
            project = await projects.delete_project(uow, input.project_id, body, if_match(input))
        return DeleteProjectPayload(project=Project.of(project))
