"""Environments in GraphQL."""

from typing import Annotated

import strawberry

from app.domain.errors import invalid
from app.graphql.context import Info
from app.graphql.inputs import Input, body_of, break_glass_field, confirm_field, if_match, if_match_field, reason_field
from app.graphql.types.resources import Environment
from app.services import environments

EnvironmentId = Annotated[strawberry.ID | None, strawberry.argument(description="The environment's id.")]
ProjectId = Annotated[strawberry.ID | None, strawberry.argument(description="The id of its project, beside `key`.")]
EnvironmentKey = Annotated[str | None, strawberry.argument(description="Its key, beside `projectId`.")]


@strawberry.input(description="A new environment: every primitive with its initial value, at version 0.")
class CreateEnvironmentInput:
    project_id: strawberry.ID = strawberry.field(description="The project it is made in.")
    key: str = strawberry.field(description="Unique in the project; never changes.")
    name: str = strawberry.field(description="What people call it.")
    protected: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether changes of state wait for approval."
    )
    required_approvals: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many people must approve where it is protected."
    )
    copy_from_env_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Begin with this environment's states, at version 1."
    )
    reason: str | None = reason_field()


@strawberry.input(description="What changes of an environment; what is left out stays.")
class UpdateEnvironmentInput:
    environment_id: strawberry.ID = strawberry.field(description="Which environment.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Its new name.")
    protected: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Whether changes of state wait for approval."
    )
    required_approvals: int | None = strawberry.field(
        default=strawberry.UNSET, description="How many people must approve where it is protected."
    )
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()
    break_glass: str | None = break_glass_field()


@strawberry.input(description="Which environment to delete, with all states in it.")
class DeleteEnvironmentInput:
    environment_id: strawberry.ID = strawberry.field(description="Which environment.")
    confirm: str | None = confirm_field()
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()
    break_glass: str | None = break_glass_field()


@strawberry.type(description="A new environment.")
class CreateEnvironmentPayload:
    environment: Environment = strawberry.field(description="The environment.")


@strawberry.type(description="A changed environment.")
class UpdateEnvironmentPayload:
    environment: Environment = strawberry.field(description="The environment as it is now.")


@strawberry.type(description="A deleted environment.")
class DeleteEnvironmentPayload:
    environment: Environment = strawberry.field(description="The environment as it was.")


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
    async def create_environment(
        self, info: Info, input: Input[CreateEnvironmentInput]
    ) -> CreateEnvironmentPayload | None:
        async with info.context.unit() as uow:
            environment = await environments.create_environment(uow, input.project_id, body_of(input, "project_id"))
        return CreateEnvironmentPayload(environment=Environment.of(environment))

    @strawberry.mutation(description="Change an environment.")
    async def update_environment(
        self, info: Info, input: Input[UpdateEnvironmentInput]
    ) -> UpdateEnvironmentPayload | None:
        async with info.context.unit(input) as uow:
            environment = await environments.update_environment(
                uow, input.environment_id, body_of(input, "environment_id"), if_match(input)
            )
        return UpdateEnvironmentPayload(environment=Environment.of(environment))

    @strawberry.mutation(description="Delete an environment with all states in it.")
    async def delete_environment(
        self, info: Info, input: Input[DeleteEnvironmentInput]
    ) -> DeleteEnvironmentPayload | None:
        body = body_of(input, "environment_id")
        async with info.context.unit(input) as uow:
            environment = await environments.delete_environment(uow, input.environment_id, body, if_match(input))
        return DeleteEnvironmentPayload(environment=Environment.of(environment))
