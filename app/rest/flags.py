"""Flags over REST: identities below a project, states below an environment."""

from typing import Annotated, Any, Self

from pydantic import WithJsonSchema
from starlette.responses import Response

from app.access.etags import row_etag, state_etag
from app.access.paging import PrimitiveParameters
from app.domain.policy import Operation
from app.engine.rules import RULES_SCHEMA
from app.models import Primitive
from app.rest.requests import Call
from app.rest.responses import created, no_content, page, read, written
from app.rest.routing import Endpoint
from app.rest.schemas import ActorSchema, Schema, Time
from app.services import flags
from app.store import json_columns
from app.store.primitives import Current
from app.store.unit_of_work import UnitOfWork

_OF_PROJECT, _ONE = "/projects/{project_id}/flags", "/projects/{project_id}/flags/{key}"
_STATES, _STATE = "/envs/{env_id}/flags", "/envs/{env_id}/flags/{key}"


class FlagSchema(Schema):
    """A flag's identity."""

    id: str
    project_id: str
    key: str
    type: str
    description: str
    initial_value: Any
    created_at: Time
    updated_at: Time

    @classmethod
    def from_row(cls, flag: Primitive) -> Self:
        return cls(
            id=flag.id,
            project_id=flag.project_id,
            key=flag.key,
            type=flag.value_type,
            description=flag.description,
            initial_value=json_columns.value(flag.initial_value),
            created_at=flag.created_at,
            updated_at=flag.updated_at,
        )


class FlagStateSchema(Schema):
    """A flag's state in an environment; `version` is the environment's when the state last changed."""

    id: str
    primitive_id: str
    key: str
    type: str
    description: str
    environment_id: str
    default_value: Any
    rules: Annotated[list[Any], WithJsonSchema(RULES_SCHEMA)]
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
            type=flag.value_type,
            description=flag.description,
            environment_id=state.environment_id,
            default_value=json_columns.value(state.default_value),
            rules=json_columns.rules(state.rules),
            killed=state.killed,
            version=state.from_version,
            updated_at=state.updated_at,
            updated_by=ActorSchema.model_validate(state.updated_by),
        )


async def create_flag(call: Call, uow: UnitOfWork) -> Response:
    flag = await flags.create_flag(uow, call.path["project_id"], call.input)
    return created(FlagSchema.from_row(flag), f"/api/v1/projects/{flag.project_id}/flags/{flag.key}", row_etag(flag))


async def list_flags(call: Call, uow: UnitOfWork) -> Response:
    found = await flags.list_flags(uow, call.path["project_id"], call.listing())
    return page(call, found, lambda flag: flag.id, FlagSchema.from_row)


async def get_flag(call: Call, uow: UnitOfWork) -> Response:
    flag = await flags.get_flag(uow, call.path["project_id"], call.path["key"])
    return read(call, FlagSchema.from_row(flag), row_etag(flag))


async def list_flag_states(call: Call, uow: UnitOfWork) -> Response:
    found = await flags.list_flag_states(uow, call.path["env_id"], call.listing())
    return page(call, found, lambda current: current.primitive.id, FlagStateSchema.from_row)


async def get_flag_state(call: Call, uow: UnitOfWork) -> Response:
    current = await flags.get_flag_state(uow, call.path["env_id"], call.path["key"])
    return read(call, FlagStateSchema.from_row(current), state_etag(current))


async def update_flag_state(call: Call, uow: UnitOfWork) -> Response:
    current = await flags.update_flag_state(uow, call.path["env_id"], call.path["key"], call.input, call.if_match)
    return _written(current)


async def kill_flag(call: Call, uow: UnitOfWork) -> Response:
    current = await flags.kill_flag(uow, call.path["env_id"], call.path["key"], call.input, call.if_match)
    return _written(current)


async def restore_flag(call: Call, uow: UnitOfWork) -> Response:
    current = await flags.restore_flag(uow, call.path["env_id"], call.path["key"], call.input, call.if_match)
    return _written(current)


async def update_flag(call: Call, uow: UnitOfWork) -> Response:
    flag = await flags.update_flag(uow, call.path["project_id"], call.path["key"], call.input, call.if_match)
    return written(FlagSchema.from_row(flag), row_etag(flag))


async def delete_flag(call: Call, uow: UnitOfWork) -> Response:
    await flags.delete_flag(uow, call.path["project_id"], call.path["key"], call.input, call.if_match)
    return no_content()


async def replace_flag_state(call: Call, uow: UnitOfWork) -> Response:
    current = await flags.replace_flag_state(uow, call.path["env_id"], call.path["key"], call.input, call.if_match)
    return _written(current)


def _written(current: Current) -> Response:
    return written(FlagStateSchema.from_row(current), state_etag(current))


ENDPOINTS = [
    Endpoint(
        "listFlags",
        "GET",
        _OF_PROJECT,
        list_flags,
        "The flags of a project",
        Operation.READ_PRIMITIVE,
        response=FlagSchema,
        is_list=True,
        query=PrimitiveParameters,
    ),
    Endpoint(
        "createFlag",
        "POST",
        _OF_PROJECT,
        create_flag,
        "Create a flag",
        Operation.CREATE_PRIMITIVE,
        flags.CreateFlag,
        FlagSchema,
        201,
        errors=("key_collision",),
    ),
    Endpoint("getFlag", "GET", _ONE, get_flag, "A flag", Operation.READ_PRIMITIVE, response=FlagSchema),
    Endpoint(
        "listFlagStates",
        "GET",
        _STATES,
        list_flag_states,
        "The states of an environment's flags",
        Operation.READ_STATE,
        response=FlagStateSchema,
        is_list=True,
        query=PrimitiveParameters,
    ),
    Endpoint(
        "getFlagState", "GET", _STATE, get_flag_state, "A flag's state", Operation.READ_STATE, response=FlagStateSchema
    ),
    Endpoint(
        "updateFlagState",
        "PATCH",
        _STATE,
        update_flag_state,
        "Change a flag's state",
        Operation.UPDATE_STATE,
        flags.UpdateFlagState,
        FlagStateSchema,
    ),
    Endpoint(
        "killFlag",
        "POST",
        f"{_STATE}/kill",
        kill_flag,
        "Turn a flag off",
        Operation.KILL,
        flags.StateAction,
        FlagStateSchema,
    ),
    Endpoint(
        "restoreFlag",
        "POST",
        f"{_STATE}/restore",
        restore_flag,
        "Turn a killed flag on again",
        Operation.RESTORE,
        flags.StateAction,
        FlagStateSchema,
    ),
    Endpoint(
        "updateFlag",
        "PATCH",
        _ONE,
        update_flag,
        "Change a flag's identity",
        Operation.UPDATE_PRIMITIVE,
        flags.UpdateFlag,
        FlagSchema,
    ),
    Endpoint(
        "deleteFlag",
        "DELETE",
        _ONE,
        delete_flag,
        "Delete a flag from every environment",
        Operation.DELETE_PRIMITIVE,
        flags.DeleteFlag,
        status=204,
        errors=("in_use",),
    ),
    Endpoint(
        "replaceFlagState",
        "PUT",
        f"{_STATE}/state",
        replace_flag_state,
        "Replace a flag's state",
        Operation.UPDATE_STATE,
        flags.ReplaceFlagState,
        FlagStateSchema,
    ),
]
