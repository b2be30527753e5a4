"""Environments."""

from typing import Annotated

import strawberry

from app.domain.errors import invalid
from app.graphql.context import Info
from app.graphql.inputs import (
    Confirmed,
    OfEnvironment,
    OfProject,
    Overridable,
    Reasoned,
    body_of,
    if_match,
    optional_field,
)
from app.graphql.types.resources import Environment
from app.models import Color
from app.services import environments

EnvironmentId = Annotated[
    strawberry.ID | None, strawberry.argument(description="The environment's id or name, such as acme:web:production.")
]
ProjectId = Annotated[strawberry.ID | None, strawberry.argument(description="The id of its project; requires `key`.")]
EnvironmentKey = Annotated[str | None, strawberry.argument(description="Its key; requires `projectId`.")]


@strawberry.input
class Shown:
    color: Color | None = optional_field("What it is marked with for people.")
    position: int | None = optional_field("Where it stands among the project's environments, lowest first.")


@strawberry.input
class Protection:
    protected: bool | None = optional_field("Whether changes of state wait for approval.")
    required_approvals: int | None = optional_field("How many people must approve a proposal here.")


@strawberry.input(description="A new environment. Every primitive has its initial value, at version 0.")
class CreateEnvironmentInput(OfProject, Shown, Protection, Reasoned):
    key: str = strawberry.field(description="Unique in the project; never changes.")
    name: str = strawberry.field(description="The display name.")
    copy_from_env_id: strawberry.ID | None = optional_field(
        "Start with this environment's states (its id or name), at version 1."
    )


@strawberry.input(description="Changes to an environment; what is left out stays.")
class UpdateEnvironmentInput(OfEnvironment, Shown, Protection, Overridable):
    name: str | None = optional_field("The new display name.")


@strawberry.input(description="The environment to delete, with all states in it.")
class DeleteEnvironmentInput(OfEnvironment, Confirmed, Overridable):
    pass


@strawberry.type
class WrittenEnvironment:
    environment: Environment = strawberry.field(description="The environment as it is now; a deleted one, as it was.")


@strawberry.type(description="A new environment.")
class CreateEnvironmentPayload(WrittenEnvironment):
    pass


@strawberry.type(description="A changed environment.")
class UpdateEnvironmentPayload(WrittenEnvironment):
    pass


@strawberry.type(description="A deleted environment.")
class DeleteEnvironmentPayload(WrittenEnvironment):
    pass


@strawberry.type
class EnvironmentQueries:
    @strawberry.field(description="An environment, by its id or by its project's id and its key.")
    async def environment(
        self, info: Info, id: EnvironmentId = None, project_id: ProjectId = None, key: EnvironmentKey = None
    ) -> Environment | None:
        async with info.context.unit() as uow:
            if id is not None:
                return Environment.of(await environments.get_environment(uow, id))
            if project_id is None or key is None:
                raise invalid({"id": "Give the id, or projectId and key."})
            return Environment.of(await environments.get_environment_by_key(uow, project_id, key))


@strawberry.type
class EnvironmentMutations:
    @strawberry.mutation(description="Create an environment.")
    async def create_environment(self, info: Info, input: CreateEnvironmentInput) -> CreateEnvironmentPayload | None:
        async with info.context.unit() as uow:
            environment = await environments.create_environment(uow, input.project_id, body_of(input))
        return CreateEnvironmentPayload(environment=Environment.of(environment))

    @strawberry.mutation(description="Change an environment.")
    async def update_environment(self, info: Info, input: UpdateEnvironmentInput) -> UpdateEnvironmentPayload | None:
        async with info.context.unit(input) as uow:
            environment = await environments.update_environment(
                uow, input.environment_id, body_of(input), if_match(input)
            )
        return UpdateEnvironmentPayload(environment=Environment.of(environment))

    @strawberry.mutation(description="Delete an environment with all states in it.")
    async def delete_environment(self, info: Info, input: DeleteEnvironmentInput) -> DeleteEnvironmentPayload | None:
        body = body_of(input)
        async with info.context.unit(input) as uow:
            environment = await environments.delete_environment(uow, input.environment_id, body, if_match(input))
        return DeleteEnvironmentPayload(environment=Environment.of(environment))
