"""Projects over REST."""

from starlette.responses import Response

from app.access import confirmation
from app.access.etags import row_etag
from app.access.paging import KeyedParameters
from app.domain.operations import Operation
from app.rest.openapi.samples import CHANGED, ORG_ID, PROJECT_ID
from app.rest.requests import RestCall
from app.rest.responses import created, no_content, page, read, written
from app.rest.routing import Endpoint
from app.rest.schemas import Schema, Time
from app.services import projects
from app.store.unit_of_work import UnitOfWork

_OF_ORG, _ONE = "/orgs/{slug}/projects", "/projects/{project_id}"


class ProjectSchema(
    Schema,
    json_schema_extra={
        "examples": [
            {"id": PROJECT_ID, "orgId": ORG_ID, "key": "web", "name": "Web shop", "targetIdField": "userId", **CHANGED}
        ]
    },
):
    """A project."""

    id: str
    org_id: str
    key: str
    name: str
    target_id_field: str | None
    created_at: Time
    updated_at: Time


async def create_project(call: RestCall, uow: UnitOfWork) -> Response:
    project = await projects.create_project(uow, call.path["slug"], call.input)
    return created(ProjectSchema.from_row(project), f"/api/v1/projects/{project.id}", row_etag(project))


async def list_projects(call: RestCall, uow: UnitOfWork) -> Response:
    found = await projects.list_projects(uow, call.path["slug"], call.listing())
    return page(call, found, lambda project: project.id, ProjectSchema.from_row)


async def get_project(call: RestCall, uow: UnitOfWork) -> Response:
    project = await projects.get_project(uow, call.path["project_id"])
    return read(call, ProjectSchema.from_row(project), row_etag(project))


async def update_project(call: RestCall, uow: UnitOfWork) -> Response:
    project = await projects.update_project(uow, call.path["project_id"], call.input, call.if_match)
    return written(ProjectSchema.from_row(project), row_etag(project))


async def delete_project(call: RestCall, uow: UnitOfWork) -> Response:
    await projects.delete_project(uow, call.path["project_id"], call.input, call.if_match)
    return no_content()


ENDPOINTS = [
    Endpoint(
        "listProjects",
        "GET",
        _OF_ORG,
        list_projects,
        "The projects of an organisation",
        Operation.LIST_PROJECTS,
        response=ProjectSchema,
        is_list=True,
        query=KeyedParameters,
    ),
    Endpoint(
        "createProject",
        "POST",
        _OF_ORG,
        create_project,
        "Create a project",
        Operation.CREATE_PROJECT,
        projects.CreateProject,
        ProjectSchema,
        201,
        errors=("key_collision",),
    ),
    Endpoint("getProject", "GET", _ONE, get_project, "A project", Operation.READ_PROJECT, response=ProjectSchema),
    Endpoint(
        "updateProject",
        "PATCH",
        _ONE,
        update_project,
        "Change a project",
        Operation.UPDATE_PROJECT,
        projects.UpdateProject,
        ProjectSchema,
    ),
    Endpoint(
        "deleteProject",
        "DELETE",
        _ONE,
        delete_project,
        "Delete a project with all below it",
        Operation.DELETE_PROJECT,
        confirmation.Delete,
        status=204,
    ),
]
