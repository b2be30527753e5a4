"""Configs: identities and their states."""

import strawberry

from app.engine.kinds import ConfigType
from app.graphql.arguments import (
    AtVersion,
    ConfigKey,
    EnvironmentId,
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
from app.graphql.types.resources import Config, ConfigState
from app.graphql.types.scalars import JSON
from app.services.configs import CONFIGS


@strawberry.input(description="A new config, created in every environment of the project.")
class CreateConfigInput(OfProject, Described, Reasoned):
    key: str = strawberry.field(description="Unique among the project's flags and configs; never changes.")
    type: ConfigType = strawberry.field(description="The type of its values; never changes.")
    default_value: JSON | None = optional_field(
        "The default value that every environment starts with. Is required; null counts as a value."
    )
    rules: list[RuleInput] | None = optional_field(RULES)
    json_schema: JSON | None = optional_field(
        "The JSON Schema (draft 2020-12) that every value must match; only for type JSON."
    )


@strawberry.input(description="Changes to a config's identity, which change no environment; what is left out stays.")
class UpdateConfigInput(OfPrimitive, Described):
    json_schema: JSON | None = optional_field(
        "The JSON Schema (draft 2020-12) that every value must match, those of all environments at once included; "
        "null removes it."
    )
    initial_value: JSON | None = optional_field("The default value that new environments start with.")


@strawberry.input(description="The config to delete from every environment.")
class DeleteConfigInput(OfPrimitive, Overridable):
    pass


@strawberry.input(description="A config's whole state in an environment.")
class ReplaceConfigStateInput(OfState):
    default_value: JSON | None = optional_field(f"{DEFAULT_VALUE} Is required; null counts as a value.")
    rules: list[RuleInput] = strawberry.field(description=RULES)


@strawberry.input(description="Changes to a config's state in an environment; what is left out stays.")
class UpdateConfigStateInput(OfState):
    default_value: JSON | None = optional_field(DEFAULT_VALUE)
    rules: list[RuleInput] | None = optional_field(RULES)


@strawberry.input(description="The config to take over, and the environments.")
class PromoteConfigInput(PromoteStateInput):
    pass


@strawberry.type
class WrittenConfig:
    config: Config = strawberry.field(description="The config as it is now.")


@strawberry.type(description="A new config.")
class CreateConfigPayload(WrittenConfig):
    pass


@strawberry.type(description="A changed identity.")
class UpdateConfigPayload(WrittenConfig):
    pass


@strawberry.type(description="A deleted config.")
class DeleteConfigPayload(Divertible):
    config: Config | None = strawberry.field(description=f"The config as it was; {UNLESS_DIVERTED}")


@strawberry.type
class WrittenConfigState(Divertible):
    config_state: ConfigState | None = strawberry.field(description=f"The state as it is now; {UNLESS_DIVERTED}")


@strawberry.type(description="A replaced state.")
class ReplaceConfigStatePayload(WrittenConfigState):
    pass


@strawberry.type(description="A changed state.")
class UpdateConfigStatePayload(WrittenConfigState):
    pass


@strawberry.type(description="A state that was taken over.")
class PromoteConfigPayload(WrittenConfigState):
    pass


@strawberry.type
class ConfigQueries:
    @strawberry.field(description="A config of a project.")
    async def config(self, info: Info, project_id: ProjectId, key: ConfigKey) -> Config | None:
        async with info.context.unit() as uow:
            return Config.of(await CONFIGS.get(uow, project_id, key))

    configs: Connection[Config] | None = identities_of(CONFIGS, Config.of)

    config_references: Connection[Referrer] | None = references_of(
        CONFIGS, ConfigKey, "What refers to a config as a prerequisite."
    )

    @strawberry.field(description="A config's state in an environment.")
    async def config_state(
        self, info: Info, environment_id: EnvironmentId, key: ConfigKey, version: AtVersion = None
    ) -> ConfigState | None:
        return ConfigState.of(*await state_asked(info, CONFIGS, environment_id, key, version))


@strawberry.type
class ConfigMutations:
    @strawberry.mutation(description="Create a config in every environment of a project.")
    async def create_config(self, info: Info, input: CreateConfigInput) -> CreateConfigPayload | None:
        return CreateConfigPayload(config=Config.of(await created(info, CONFIGS, input)))

    @strawberry.mutation(description="Change a config's identity.")
    async def update_config(self, info: Info, input: UpdateConfigInput) -> UpdateConfigPayload | None:
        return UpdateConfigPayload(config=Config.of(await updated(info, CONFIGS, input)))

    @strawberry.mutation(description="Delete a config from every environment of its project.")
    async def delete_config(self, info: Info, input: DeleteConfigInput) -> DeleteConfigPayload | None:
        return DeleteConfigPayload(**shown(await deleted(info, CONFIGS, input), "config", Config.of))

    @strawberry.mutation(description="Replace a config's whole state in an environment.")
    async def replace_config_state(
        self, info: Info, input: ReplaceConfigStateInput
    ) -> ReplaceConfigStatePayload | None:
        return ReplaceConfigStatePayload(
            **shown(await written(info, CONFIGS.replace_state, input), "config_state", ConfigState.of)
        )

    @strawberry.mutation(description="Change a config's state in an environment.")
    async def update_config_state(self, info: Info, input: UpdateConfigStateInput) -> UpdateConfigStatePayload | None:
        return UpdateConfigStatePayload(
            **shown(await written(info, CONFIGS.update_state, input), "config_state", ConfigState.of)
        )

    @strawberry.mutation(description="Take over a config's state from another environment of the project.")
    async def promote_config(self, info: Info, input: PromoteConfigInput) -> PromoteConfigPayload | None:
        return PromoteConfigPayload(
            **shown(await written(info, CONFIGS.promote, input), "config_state", ConfigState.of)
        )
