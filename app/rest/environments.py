"""Environments over REST."""

from starlette.responses import Response

from app.access import confirmation
from app.access.etags import environment_etag
from app.access.paging import KeyedParameters
from app.domain.operations import Operation
from app.models import Color
from app.rest.openapi.samples import CHANGED, ENVIRONMENT_ID, PROJECT_ID
from app.rest.requests import RestCall
from app.rest.responses import created, no_content, page, read, written
from app.rest.routing import Endpoint
from app.rest.schemas import Schema, Time
from app.services import environments
from app.store.unit_of_work import UnitOfWork

_OF_PROJECT, _ONE = "/projects/{project_id}/environments", "/envs/{env_id}"


class EnvironmentSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {
                "id": ENVIRONMENT_ID,
                "projectId": PROJECT_ID,
                "key": "prod",
                "name": "Production",
                "color": "red",
                "position": 2,
                "protected": False,
                "requiredApprovals": 1,
                "version": 3,
                **CHANGED,
            }
        ]
    },
):
    """An environment."""

    id: str
    project_id: str
    key: str
    name: str
    color: Color
    position: int
    protected: bool
    required_approvals: int
    version: int
    created_at: Time
    updated_at: Time


async def create_environment(call: RestCall, uow: UnitOfWork) -> Response:
    environment = await environments.create_environment(uow, call.path["project_id"], call.input)
    return created(
        EnvironmentSchema.from_row(environment), f"/api/v1/envs/{environment.id}", environment_etag(environment)
    )


async def list_environments(call: RestCall, uow: UnitOfWork) -> Response:
    found = await environments.list_environments(uow, call.path["project_id"], call.listing())
    return page(call, found, lambda environment: environment.id, EnvironmentSchema.from_row)


async def get_environment(call: RestCall, uow: UnitOfWork) -> Response:
    environment = await environments.get_environment(uow, call.path["env_id"])
    return read(call, EnvironmentSchema.from_row(environment), environment_etag(environment))


async def update_environment(call: RestCall, uow: UnitOfWork) -> Response:
    environment = await environments.update_environment(uow, call.path["env_id"], call.input, call.if_match)
    return written(EnvironmentSchema.from_row(environment), environment_etag(environment))


async def delete_environment(call: RestCall, uow: UnitOfWork) -> Response:
    await environments.delete_environment(uow, call.path["env_id"], call.input, call.if_match)
    return no_content()


ENDPOINTS = [
    Endpoint(
        "listEnvironments",
        "GET",
        _OF_PROJECT,
        list_environments,
        "The environments of a project",
        Operation.READ_PROJECT,
        response=EnvironmentSchema,
        is_list=True,
        query=KeyedParameters,
    ),
    Endpoint(
        "createEnvironment",
        "POST",
        _OF_PROJECT,
        create_environment,
        "Create an environment",
        Operation.CREATE_ENVIRONMENT,
        environments.CreateEnvironment,
        EnvironmentSchema,
        201,
        errors=("key_collision",),
    ),
    Endpoint(
        "getEnvironment",
        "GET",
        _ONE,
        get_environment,
        "An environment",
        Operation.READ_ENVIRONMENT,
        response=EnvironmentSchema,
    ),
    Endpoint(
        "updateEnvironment",
        "PATCH",
        _ONE,
        update_environment,
        "Change an environment",
        Operation.UPDATE_ENVIRONMENT,
        environments.UpdateEnvironment,
        EnvironmentSchema,
    ),
    Endpoint(
        "deleteEnvironment",
        "DELETE",
        _ONE,
        delete_environment,
        "Delete an environment",
        Operation.DELETE_ENVIRONMENT,
        confirmation.Delete,
        status=204,
    ),
]
