"""Projects: create, list, read, change, delete."""

from app.access import confirmation
from app.access.entry import enter_org, enter_project
from app.access.etags import row_etag
from app.access.paging import Listing
from app.domain.commands import Command, FieldPath, Name, Slug, Text, is_slug, mentions, validate
from app.domain.errors import key_collision, not_found
from app.domain.policy import Operation
from app.domain.preconditions import IfMatch
from app.models import Project
from app.services.target_id_fields import retarget_project
from app.store import environments, projects
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork


class CreateProject(
    Command,
    json_schema_extra={
        "examples": [{"key": "web", "name": "Web shop", "targetIdField": "userId", "reason": "Agreed with the team"}]
    },
):
    """A new project."""

    key: Slug
    name: Name
    target_id_field: FieldPath | None = None
    reason: Text | None = None


class UpdateProject(
    Command, json_schema_extra={"examples": [{"targetIdField": "userId", "reason": "Agreed with the team"}]}
):
    """What may change of a project; what is not named stays."""

    name: Name = ""
    target_id_field: FieldPath | None = None
    reason: Text | None = None


async def create_project(uow: UnitOfWork, org_slug: str, body: object) -> Project:
    """Makes a project in the organisation. Raises `key_collision`."""
    access = await enter_org(uow, org_slug, Operation.CREATE_PROJECT)
    if mentions(body, "targetIdField"):
        access.require(Operation.SET_TARGET_ID_FIELD)
    command = validate(CreateProject, body)
    access = await access.to_write()
    if await projects.by_key(uow.session, access.org.id, command.key) is not None:
        raise key_collision(command.key)
    project = Project(org_id=access.org.id, key=command.key, name=command.name, target_id_field=command.target_id_field)
    uow.add(project)
    subject = Subject(access.org.id, "project", project.id, project.key, project.id)
    uow.record(access.operation, subject, reason=command.reason, new=command.recorded())
    return project


async def list_projects(uow: UnitOfWork, org_slug: str, listing: Listing) -> Page[Project]:
    """The organisation's projects: for members all, for a token those that it reaches."""
    access = await enter_org(uow, org_slug, Operation.LIST_PROJECTS)
    return await projects.list_of_org(uow.session, access.org.id, listing.key(), listing.window(), access.scope)


async def get_project(uow: UnitOfWork, project_id: str) -> Project:
    return (await enter_project(uow, project_id, Operation.READ_PROJECT)).project


async def get_project_by_key(uow: UnitOfWork, org_slug: str, key: str) -> Project:
    """The project of the key. Raises `not_found`."""
    access = await enter_org(uow, org_slug, Operation.LIST_PROJECTS)
    project = await projects.by_key(uow.session, access.org.id, key) if is_slug(key) else None
    if project is None:
        raise not_found("project")
    return await get_project(uow, project.id)


async def update_project(uow: UnitOfWork, project_id: str, body: object, if_match: IfMatch) -> Project:
    """Changes what the body names. Raises `precondition_failed`."""
    access = await enter_project(uow, project_id, Operation.UPDATE_PROJECT)
    if mentions(body, "targetIdField"):
        access.require(Operation.SET_TARGET_ID_FIELD)
    command = validate(UpdateProject, body)
    access = await access.to_write()
    if_match.require(row_etag(access.project))
    uow.revise(access.operation, access.subject, access.project, command.given(), command.reason)
    await retarget_project(access, access.project)
    return access.project


async def delete_project(uow: UnitOfWork, project_id: str, body: object, if_match: IfMatch) -> Project:
    """Deletes the project with all below it, and gives it as it was.

    Raises `invalid_confirmation`, `precondition_failed`.
    """
    access = await enter_project(uow, project_id, Operation.DELETE_PROJECT)
    command = confirmation.require(body, access.project.key)
    access = await access.to_write()
    if_match.require(row_etag(access.project))
    previous = {"key": access.project.key, "name": access.project.name}
    uow.record(access.operation, access.subject, reason=command.reason, previous=previous)
    await uow.delete(access.project, await environments.ids_of_project(uow.session, access.project.id))
    return access.project
