"""Flags: identities and their states."""

import strawberry

from app.engine.kinds import FlagType
from app.graphql.arguments import (
    AtVersion,
    EnvironmentId,
    FlagKey,
    ProjectId,
)
from app.graphql.context import Info
from app.graphql.inputs import Described, OfPrimitive, OfProject, OfState, Overridable, Reasoned, optional_field
from app.graphql.primitives import (
    DEFAULT_VALUE,
    RULES,
    UNLESS_DIVERTED,
    Divertible,
    created,
    deleted,
    identities_of,
    references_of,
    shown,
    state_asked,
    updated,
    written,
)
from app.graphql.promotion import PromoteStateInput
from app.graphql.rules import RuleInput
from app.graphql.types.references import Referrer
from app.graphql.types.relay import Connection
from app.graphql.types.resources import Flag, FlagState
from app.graphql.types.scalars import JSON
from app.services.flags import FLAGS, kill_flag, restore_flag


@strawberry.input(description="A new flag, created in every environment of the project.")
class CreateFlagInput(OfProject, Described, Reasoned):
    key: str = strawberry.field(description="Unique among the project's flags and configs; never changes.")
    type: FlagType = strawberry.field(description="The type of its values; never changes.")
    default_value: JSON = strawberry.field(description="The default value that every environment starts with.")
    rules: list[RuleInput] | None = optional_field(RULES)


@strawberry.input(description="Changes to a flag's identity, which change no environment; what is left out stays.")
class UpdateFlagInput(OfPrimitive, Described):
    initial_value: JSON | None = optional_field("The default value that new environments start with.")


@strawberry.input(description="The flag to delete from every environment.")
class DeleteFlagInput(OfPrimitive, Overridable):
    pass


@strawberry.input(description="A flag's whole state in an environment.")
class ReplaceFlagStateInput(OfState):
    default_value: JSON = strawberry.field(description=DEFAULT_VALUE)
    rules: list[RuleInput] = strawberry.field(description=RULES)


@strawberry.input(description="Changes to a flag's state in an environment; what is left out stays.")
class UpdateFlagStateInput(OfState):
    default_value: JSON | None = optional_field(DEFAULT_VALUE)
    rules: list[RuleInput] | None = optional_field(RULES)


@strawberry.input(description="The flag to turn off, and the environment.")
class KillFlagInput(OfState):
    pass


@strawberry.input(description="The flag to turn on again, and the environment.")
class RestoreFlagInput(OfState):
    pass


@strawberry.input(description="The flag to take over, and the environments.")
class PromoteFlagInput(PromoteStateInput):
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
class DeleteFlagPayload(Divertible):
    flag: Flag | None = strawberry.field(description=f"The flag as it was; {UNLESS_DIVERTED}")


@strawberry.type
class WrittenFlagState(Divertible):
    flag_state: FlagState | None = strawberry.field(description=f"The state as it is now; {UNLESS_DIVERTED}")


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


@strawberry.type(description="A state that was taken over.")
class PromoteFlagPayload(WrittenFlagState):
    pass


@strawberry.type
class FlagQueries:
    @strawberry.field(description="A flag of a project.")
    async def flag(self, info: Info, project_id: ProjectId, key: FlagKey) -> Flag | None:
        async with info.context.unit() as uow:
            return Flag.of(await FLAGS.get(uow, project_id, key))

    flags: Connection[Flag] | None = identities_of(FLAGS, Flag.of)

    flag_references: Connection[Referrer] | None = references_of(
        FLAGS, FlagKey, "What refers to a flag as a prerequisite."
    )

    @strawberry.field(description="A flag's state in an environment.")
    async def flag_state(
        self, info: Info, environment_id: EnvironmentId, key: FlagKey, version: AtVersion = None
    ) -> FlagState | None:
        return FlagState.of(*await state_asked(info, FLAGS, environment_id, key, version))


@strawberry.type
class FlagMutations:
    @strawberry.mutation(description="Create a flag in every environment of a project.")
    async def create_flag(self, info: Info, input: CreateFlagInput) -> CreateFlagPayload | None:
        return CreateFlagPayload(flag=Flag.of(await created(info, FLAGS, input)))

    @strawberry.mutation(description="Change a flag's identity.")
    async def update_flag(self, info: Info, input: UpdateFlagInput) -> UpdateFlagPayload | None:
        return UpdateFlagPayload(flag=Flag.of(await updated(info, FLAGS, input)))

    @strawberry.mutation(description="Delete a flag from every environment of its project.")
    async def delete_flag(self, info: Info, input: DeleteFlagInput) -> DeleteFlagPayload | None:
        return DeleteFlagPayload(**shown(await deleted(info, FLAGS, input), "flag", Flag.of))

    @strawberry.mutation(description="Replace a flag's whole state in an environment.")
    async def replace_flag_state(self, info: Info, input: ReplaceFlagStateInput) -> ReplaceFlagStatePayload | None:
        return ReplaceFlagStatePayload(
            **shown(await written(info, FLAGS.replace_state, input), "flag_state", FlagState.of)
        )

    @strawberry.mutation(description="Change a flag's state in an environment.")
    async def update_flag_state(self, info: Info, input: UpdateFlagStateInput) -> UpdateFlagStatePayload | None:
        return UpdateFlagStatePayload(
            **shown(await written(info, FLAGS.update_state, input), "flag_state", FlagState.of)
        )

    @strawberry.mutation(description="Turn a flag off in an environment, at once and whatever its rules say.")
    async def kill_flag(self, info: Info, input: KillFlagInput) -> KillFlagPayload | None:
        return KillFlagPayload(**shown(await written(info, kill_flag, input), "flag_state", FlagState.of))

    @strawberry.mutation(description="Turn a killed flag on again.")
    async def restore_flag(self, info: Info, input: RestoreFlagInput) -> RestoreFlagPayload | None:
        return RestoreFlagPayload(**shown(await written(info, restore_flag, input), "flag_state", FlagState.of))

    @strawberry.mutation(description="Take over a flag's state from another environment of the project.")
    async def promote_flag(self, info: Info, input: PromoteFlagInput) -> PromoteFlagPayload | None:
        return PromoteFlagPayload(**shown(await written(info, FLAGS.promote, input), "flag_state", FlagState.of))
