"""Flags over REST: identities below a project, states below an environment."""

from typing import Any, Self

from app.domain.policy import Operation
from app.engine.rules import RULES_EXAMPLE
from app.models import Primitive
from app.rest.openapi.samples import CHANGED, ENVIRONMENT_ID, FLAG_ID, GRACE_ID, NOON, PROJECT_ID, STATE_ID
from app.rest.primitives import Identities, States
from app.rest.routing import Endpoint
from app.rest.schemas import ActorSchema, MaintainerSchema, Schema, Time
from app.services import flags
from app.store import json_columns
from app.store.states import Current


class FlagSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "id": FLAG_ID,
                "projectId": PROJECT_ID,
                "key": "checkout",
                "type": "boolean",
                "name": "New checkout",
                "description": "The new checkout.",
                "tags": ["checkout", "web"],
                "maintainer": {"id": GRACE_ID, "name": "Grace"},
                "permanent": False,
                "initialValue": False,
                **CHANGED,
            }
        ]
    },
):
    """A flag's identity."""

    id: str
    project_id: str
    key: str
    type: str
    name: str
    description: str
    tags: list[str]
    maintainer: MaintainerSchema | None
    permanent: bool
    initial_value: Any
    created_at: Time
    updated_at: Time

    @classmethod
    def from_row(cls, flag: Primitive) -> Self:
        return cls(
            id=flag.id,
            project_id=flag.project_id,
            key=flag.key,
            type=flag.value_type or "",
            name=flag.name or flag.key,
            description=flag.description,
            tags=flag.tags,
            maintainer=None if flag.maintainer is None else MaintainerSchema.from_row(flag.maintainer),
            permanent=flag.permanent,
            initial_value=json_columns.value(flag.initial_value),
            created_at=flag.created_at,
            updated_at=flag.updated_at,
        )


class FlagStateSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "id": STATE_ID,
                "primitiveId": FLAG_ID,
                "key": "checkout",
                "type": "boolean",
                "name": "New checkout",
                "description": "The new checkout.",
                "environmentId": ENVIRONMENT_ID,
                "defaultValue": False,
                "rules": RULES_EXAMPLE,
                "killed": False,
                "version": 3,
                "updatedAt": NOON,
            }
        ]
    },
):
    """A flag's state in an environment; `version` is the environment's when the state last changed."""

    id: str
    primitive_id: str
    key: str
    type: str
    name: str
    description: str
    environment_id: str
    default_value: Any
    rules: list[Any]
    killed: bool
    version: int
    updated_at: Time
    updated_by: ActorSchema

    @classmethod
    def from_row(cls, current: Current) -> Self:
        flag, state = current
        return cls(
            id=state.id,
            primitive_id=flag.id,
            key=flag.key,
            type=flag.value_type or "",
            name=flag.name or flag.key,
            description=flag.description,
            environment_id=state.environment_id,
            default_value=json_columns.value(state.default_value),
            rules=json_columns.rules(state.rules),
            killed=state.killed,
            version=state.from_version,
            updated_at=state.updated_at,
            updated_by=ActorSchema.model_validate(state.updated_by),
        )


_IDENTITIES = Identities(
    noun="flag",
    schema=FlagSchema,
    list_all=flags.list_flags,
    get=flags.get_flag,
    create=flags.create_flag,
    update=flags.update_flag,
    delete=flags.delete_flag,
    create_command=flags.CreateFlag,
    update_command=flags.UpdateFlag,
    delete_command=flags.DeleteFlag,
)
_STATES = States(
    noun="flag",
    schema=FlagStateSchema,
    list_all=flags.list_flag_states,
    get=flags.get_flag_state,
    update=flags.update_flag_state,
    replace=flags.replace_flag_state,
    update_command=flags.UpdateFlagState,
    replace_command=flags.ReplaceFlagState,
)
ENDPOINTS = [
    *_IDENTITIES.endpoints(),
    *_STATES.endpoints(),
    Endpoint(
        "killFlag",
        "POST",
        f"{_STATES.path}/{{key}}/kill",
        _STATES.writing(flags.kill_flag),
        "Turn a flag off",
        Operation.KILL,
        flags.StateAction,
        FlagStateSchema,
    ),
    Endpoint(
        "restoreFlag",
        "POST",
        f"{_STATES.path}/{{key}}/restore",
        _STATES.writing(flags.restore_flag),
        "Turn a killed flag on again",
        Operation.RESTORE,
        flags.StateAction,
        FlagStateSchema,
    ),
]
