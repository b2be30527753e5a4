"""Flags in GraphQL: identities and their states."""

import strawberry

from app.engine.kinds import FlagType
from app.graphql.arguments import (
    After,
    Before,
    EnvironmentId,
    First,
    FlagKey,
    FlagTypeFilter,
    KeyFilter,
    Last,
    ProjectId,
    Search,
)
from app.graphql.context import Info, listing
from app.graphql.inputs import Input, body_of, break_glass_field, if_match, if_match_field, reason_field
from app.graphql.rules import RuleInput
from app.graphql.types.relay import Connection
from app.graphql.types.resources import Flag, FlagState
from app.graphql.types.scalars import JSON
from app.services import flags

_UNLESS_DIVERTED = "; null where the change waits for somebody's approval."


@strawberry.input(description="A new flag, made in every environment of the project.")
class CreateFlagInput:
    project_id: strawberry.ID = strawberry.field(description="The project it is made in.")
    key: str = strawberry.field(description="Unique among the project's flags and configs; never changes.")
    type: FlagType = strawberry.field(description="What its values are; never changes.")
    default_value: JSON = strawberry.field(description="Where every environment starts.")
    rules: list[RuleInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Tried top down; the first that applies decides."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    reason: str | None = reason_field()


@strawberry.input(
    description="What changes of a flag's identity; what is left out stays. No environment changes by it."
)
class UpdateFlagInput:
    project_id: strawberry.ID = strawberry.field(description="The project.")
    key: str = strawberry.field(description="The flag.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="What it is for.")
    initial_value: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The default that new environments start with."
    )
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()


@strawberry.input(description="Which flag to delete from every environment.")
class DeleteFlagInput:
    project_id: strawberry.ID = strawberry.field(description="The project.")
    key: str = strawberry.field(description="The flag.")
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()
    break_glass: str | None = break_glass_field()


@strawberry.input(description="A flag's whole state.")
class ReplaceFlagStateInput:
    environment_id: strawberry.ID = strawberry.field(description="The environment.")
    key: str = strawberry.field(description="The flag.")
    default_value: JSON = strawberry.field(description="The value where no rule decides.")
    rules: list[RuleInput] = strawberry.field(description="Tried top down; the first that applies decides.")
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()
    break_glass: str | None = break_glass_field()


@strawberry.input(description="What changes of a flag's state; what is left out stays.")
class UpdateFlagStateInput:
    environment_id: strawberry.ID = strawberry.field(description="The environment.")
    key: str = strawberry.field(description="The flag.")
    default_value: JSON | None = strawberry.field(
        default=strawberry.UNSET, description="The value where no rule decides."
    )
    rules: list[RuleInput] | None = strawberry.field(
        default=strawberry.UNSET, description="Tried top down; the first that applies decides."
    )
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()
    break_glass: str | None = break_glass_field()


@strawberry.input(description="Which flag to turn off, where.")
class KillFlagInput:
    environment_id: strawberry.ID = strawberry.field(description="The environment.")
    key: str = strawberry.field(description="The flag.")
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()
    break_glass: str | None = break_glass_field()


@strawberry.input(description="Which flag to turn on again, where.")
class RestoreFlagInput:
    environment_id: strawberry.ID = strawberry.field(description="The environment.")
    key: str = strawberry.field(description="The flag.")
    reason: str | None = reason_field()
    if_match: str | None = if_match_field()
    break_glass: str | None = break_glass_field()


@strawberry.type(description="A new flag.")
class CreateFlagPayload:
    flag: Flag = strawberry.field(description="The flag.")


@strawberry.type(description="A changed identity.")
class UpdateFlagPayload:
    flag: Flag = strawberry.field(description="The flag as it is now.")


@strawberry.type(description="A deleted flag.")
class DeleteFlagPayload:
    flag: Flag | None = strawberry.field(description=f"The flag as it was{_UNLESS_DIVERTED}")


@strawberry.type(description="A replaced state.")
class ReplaceFlagStatePayload:
    flag_state: FlagState | None = strawberry.field(description=f"The state as it is now{_UNLESS_DIVERTED}")


@strawberry.type(description="A changed state.")
class UpdateFlagStatePayload:
    flag_state: FlagState | None = strawberry.field(description=f"The state as it is now{_UNLESS_DIVERTED}")


@strawberry.type(description="A killed flag.")
class KillFlagPayload:
    flag_state: FlagState | None = strawberry.field(description=f"The state as it is now{_UNLESS_DIVERTED}")


@strawberry.type(description="A restored flag.")
class RestoreFlagPayload:
    flag_state: FlagState | None = strawberry.field(description=f"The state as it is now{_UNLESS_DIVERTED}")


@strawberry.type
class FlagQueries:
    @strawberry.field(description="A flag of a project.")
    async def flag(self, info: Info, project_id: ProjectId, key: FlagKey) -> Flag | None:
        async with info.context.unit() as uow:
            return Flag.of(await flags.get_flag(uow, project_id, key))

    @strawberry.field(description="The flags of a project, oldest first.")
    async def flags(
        self,
        info: Info,
        project_id: ProjectId,
        key: KeyFilter = None,
        search: Search = None,
        type: FlagTypeFilter = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Flag] | None:
        page_args = listing(info, key=key, search=search, type=type, first=first, after=after, last=last, before=before)
        async with info.context.unit() as uow:
            page = await flags.list_flags(uow, project_id, page_args)
        return Connection.of(info.context, page, lambda row: row.id, Flag.of)

    @strawberry.field(description="A flag's state in an environment.")
    async def flag_state(self, info: Info, environment_id: EnvironmentId, key: FlagKey) -> FlagState | None:
        async with info.context.unit() as uow:
            return FlagState.of(await flags.get_flag_state(uow, environment_id, key))


@strawberry.type
class FlagMutations:
    @strawberry.mutation(description="Create a flag in every environment of a project.")
    async def create_flag(self, info: Info, input: Input[CreateFlagInput]) -> CreateFlagPayload | None:
        async with info.context.unit() as uow:
            flag = await flags.create_flag(uow, input.project_id, body_of(input, "project_id"))
        return CreateFlagPayload(flag=Flag.of(flag))

    @strawberry.mutation(description="Change a flag's identity.")
    async def update_flag(self, info: Info, input: Input[UpdateFlagInput]) -> UpdateFlagPayload | None:
        body = body_of(input, "project_id", "key")
        async with info.context.unit() as uow:
            flag = await flags.update_flag(uow, input.project_id, input.key, body, if_match(input))
        return UpdateFlagPayload(flag=Flag.of(flag))

    @strawberry.mutation(description="Delete a flag from every environment of its project.")
    async def delete_flag(self, info: Info, input: Input[DeleteFlagInput]) -> DeleteFlagPayload | None:
        body = body_of(input, "project_id", "key")
        async with info.context.unit(input) as uow:
            flag = await flags.delete_flag(uow, input.project_id, input.key, body, if_match(input))
        return DeleteFlagPayload(flag=Flag.of(flag))

    @strawberry.mutation(description="Replace a flag's whole state in an environment.")
    async def replace_flag_state(
        self, info: Info, input: Input[ReplaceFlagStateInput]
    ) -> ReplaceFlagStatePayload | None:
        body = body_of(input, "environment_id", "key")
        async with info.context.unit(input) as uow:
            current = await flags.replace_flag_state(uow, input.environment_id, input.key, body, if_match(input))
        return ReplaceFlagStatePayload(flag_state=FlagState.of(current))

    @strawberry.mutation(description="Change a flag's state in an environment.")
    async def update_flag_state(self, info: Info, input: Input[UpdateFlagStateInput]) -> UpdateFlagStatePayload | None:
        body = body_of(input, "environment_id", "key")
        async with info.context.unit(input) as uow:
            current = await flags.update_flag_state(uow, input.environment_id, input.key, body, if_match(input))
        return UpdateFlagStatePayload(flag_state=FlagState.of(current))

    @strawberry.mutation(description="Turn a flag off in an environment, at once and whatever its rules say.")
    async def kill_flag(self, info: Info, input: Input[KillFlagInput]) -> KillFlagPayload | None:
        body = body_of(input, "environment_id", "key")
        async with info.context.unit(input) as uow:
            current = await flags.kill_flag(uow, input.environment_id, input.key, body, if_match(input))
        return KillFlagPayload(flag_state=FlagState.of(current))

    @strawberry.mutation(description="Turn a killed flag on again.")
    async def restore_flag(self, info: Info, input: Input[RestoreFlagInput]) -> RestoreFlagPayload | None:
        body = body_of(input, "environment_id", "key")
        async with info.context.unit(input) as uow:
            current = await flags.restore_flag(uow, input.environment_id, input.key, body, if_match(input))
        return RestoreFlagPayload(flag_state=FlagState.of(current))
