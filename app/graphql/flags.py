"""Flags: identities and their states."""

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
from app.graphql.inputs import (
    Audited,
    Described,
    OfProject,
    OfState,
    Overridable,
    Reasoned,
    body_of,
    if_match,
    optional_field,
    path_field,
)
from app.graphql.rules import RuleInput
from app.graphql.types.relay import Connection
from app.graphql.types.resources import Flag, FlagState
from app.graphql.types.scalars import JSON
from app.services import flags

_DEFAULT_VALUE = "The value where no rule decides."
_RULES = "Tried top down; the first that applies decides."
_UNLESS_DIVERTED = "null where the change waits for approval."


@strawberry.input(description="A new flag, created in every environment of the project.")
class CreateFlagInput(OfProject, Described, Reasoned):
    key: str = strawberry.field(description="Unique among the project's flags and configs; never changes.")
    type: FlagType = strawberry.field(description="The type of its values; never changes.")
    default_value: JSON = strawberry.field(description="The default value that every environment starts with.")
    rules: list[RuleInput] | None = optional_field(_RULES)


@strawberry.input
class OfFlag(OfProject):
    key: str = path_field("The flag's key.")


@strawberry.input(description="Changes to a flag's identity, which change no environment; what is left out stays.")
class UpdateFlagInput(OfFlag, Described, Audited):
    initial_value: JSON | None = optional_field("The default value that new environments start with.")


@strawberry.input(description="The flag to delete from every environment.")
class DeleteFlagInput(OfFlag, Overridable):
    pass


@strawberry.input(description="A flag's whole state in an environment.")
class ReplaceFlagStateInput(OfState, Overridable):
    default_value: JSON = strawberry.field(description=_DEFAULT_VALUE)
    rules: list[RuleInput] = strawberry.field(description=_RULES)


@strawberry.input(description="Changes to a flag's state in an environment; what is left out stays.")
class UpdateFlagStateInput(OfState, Overridable):
    default_value: JSON | None = optional_field(_DEFAULT_VALUE)
    rules: list[RuleInput] | None = optional_field(_RULES)


@strawberry.input(description="The flag to turn off, and the environment.")
class KillFlagInput(OfState, Overridable):
    pass


@strawberry.input(description="The flag to turn on again, and the environment.")
class RestoreFlagInput(OfState, Overridable):
    pass


@strawberry.type
class WrittenFlag:
    flag: Flag = strawberry.field(description="The flag as it is now.")


@strawberry.type(description="A new flag.")
class CreateFlagPayload(WrittenFlag):
    pass


@strawberry.type(description="A changed identity.")
class UpdateFlagPayload(WrittenFlag):
    pass


@strawberry.type(description="A deleted flag.")
class DeleteFlagPayload:
    flag: Flag | None = strawberry.field(description=f"The flag as it was; {_UNLESS_DIVERTED}")


@strawberry.type
class WrittenFlagState:
    flag_state: FlagState | None = strawberry.field(description=f"The state as it is now; {_UNLESS_DIVERTED}")


@strawberry.type(description="A replaced state.")
class ReplaceFlagStatePayload(WrittenFlagState):
    pass


@strawberry.type(description="A changed state.")
class UpdateFlagStatePayload(WrittenFlagState):
    pass


@strawberry.type(description="A killed flag.")
class KillFlagPayload(WrittenFlagState):
    pass


@strawberry.type(description="A restored flag.")
class RestoreFlagPayload(WrittenFlagState):
    pass


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
    async def create_flag(self, info: Info, input: CreateFlagInput) -> CreateFlagPayload | None:
        async with info.context.unit() as uow:
            flag = await flags.create_flag(uow, input.project_id, body_of(input))
        return CreateFlagPayload(flag=Flag.of(flag))

    @strawberry.mutation(description="Change a flag's identity.")
    async def update_flag(self, info: Info, input: UpdateFlagInput) -> UpdateFlagPayload | None:
        body = body_of(input)
        async with info.context.unit() as uow:
            flag = await flags.update_flag(uow, input.project_id, input.key, body, if_match(input))
        return UpdateFlagPayload(flag=Flag.of(flag))

    @strawberry.mutation(description="Delete a flag from every environment of its project.")
    async def delete_flag(self, info: Info, input: DeleteFlagInput) -> DeleteFlagPayload | None:
        body = body_of(input)
        async with info.context.unit(input) as uow:
            flag = await flags.delete_flag(uow, input.project_id, input.key, body, if_match(input))
        return DeleteFlagPayload(flag=Flag.of(flag))

    @strawberry.mutation(description="Replace a flag's whole state in an environment.")
    async def replace_flag_state(self, info: Info, input: ReplaceFlagStateInput) -> ReplaceFlagStatePayload | None:
        body = body_of(input)
        async with info.context.unit(input) as uow:
            current = await flags.replace_flag_state(uow, input.environment_id, input.key, body, if_match(input))
        return ReplaceFlagStatePayload(flag_state=FlagState.of(current))

    @strawberry.mutation(description="Change a flag's state in an environment.")
    async def update_flag_state(self, info: Info, input: UpdateFlagStateInput) -> UpdateFlagStatePayload | None:
        body = body_of(input)
        async with info.context.unit(input) as uow:
            current = await flags.update_flag_state(uow, input.environment_id, input.key, body, if_match(input))
        return UpdateFlagStatePayload(flag_state=FlagState.of(current))

    @strawberry.mutation(description="Turn a flag off in an environment, at once and whatever its rules say.")
    async def kill_flag(self, info: Info, input: KillFlagInput) -> KillFlagPayload | None:
        body = body_of(input)
        async with info.context.unit(input) as uow:
            current = await flags.kill_flag(uow, input.environment_id, input.key, body, if_match(input))
        return KillFlagPayload(flag_state=FlagState.of(current))

    @strawberry.mutation(description="Turn a killed flag on again.")
    async def restore_flag(self, info: Info, input: RestoreFlagInput) -> RestoreFlagPayload | None:
        body = body_of(input)
        async with info.context.unit(input) as uow:
            current = await flags.restore_flag(uow, input.environment_id, input.key, body, if_match(input))
        return RestoreFlagPayload(flag_state=FlagState.of(current))
