"""Projects: create, list, read, change, delete."""

from typing import Annotated

from app.access import confirmation
from app.access.entry import Entry
from app.access.etags import row_etag
from app.access.paging import Listing
from app.access.visible import scope_of
from app.domain.commands import Command, FieldPath, Name, Slug, Text, is_slug, validate
from app.domain.errors import key_collision, not_found
from app.domain.named import Needs, named_in
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.models import Project
from app.services.quotas import Quota, require_room
from app.services.target_id_fields import effective_field, retarget_project
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
    target_id_field: Annotated[FieldPath | None, Needs(Operation.SET_TARGET_ID_FIELD)] = None
    reason: Text | None = None


class UpdateProject(
    Command, json_schema_extra={"examples": [{"targetIdField": "userId", "reason": "Agreed with the team"}]}
):
    """What may change of a project; what is not named stays."""

    name: Name = ""
    target_id_field: Annotated[FieldPath | None, Needs(Operation.SET_TARGET_ID_FIELD)] = None
    reason: Text | None = None


async def create_project(uow: UnitOfWork, org_slug: str, body: object) -> Project:
    """Makes a project in the organisation. Raises `key_collision`."""
    access = await Entry.of_org(org_slug, Operation.CREATE_PROJECT, named=named_in(CreateProject, body)).enter(uow)
    command = validate(CreateProject, body)
    access = await access.to_write()
    await require_room(uow, Quota.PROJECTS, access.org.id)
    if await projects.by_key(uow.session, access.org.id, command.key) is not None:
        raise key_collision(command.key)
    project = Project(org_id=access.org.id, key=command.key, name=command.name, target_id_field=command.target_id_field)
    uow.add(project)
    subject = Subject(access.org.id, "project", project.id, project.key, project.id)
    access.record(command.reason, subject, new=command.recorded())
    return project


async def list_projects(uow: UnitOfWork, org_slug: str, listing: Listing) -> Page[Project]:
    """The organisation's projects: for members all, for a token those that it reaches."""
    access = await Entry.of_org(org_slug, Operation.LIST_PROJECTS).enter(uow)
    return await projects.list_of_org(
        uow.session, access.org.id, listing.key(), listing.window("projects", access.org.id), scope_of(uow)
    )


async def get_project(uow: UnitOfWork, project_id: str) -> Project:
    return (await Entry.of_project(project_id, Operation.READ_PROJECT).enter(uow)).project


async def get_project_by_key(uow: UnitOfWork, org_slug: str, key: str) -> Project:
    """The project of the key. Raises `not_found`."""
    access = await Entry.of_org(org_slug, Operation.LIST_PROJECTS).enter(uow)
    project = await projects.by_key(uow.session, access.org.id, key) if is_slug(key) else None
    if project is None:
        raise not_found("project")
    return await get_project(uow, project.id)


async def update_project(uow: UnitOfWork, project_id: str, body: object, if_match: IfMatch) -> Project:
    """Changes what the body names. Raises `precondition_failed`."""
    entry = Entry.of_project(project_id, Operation.UPDATE_PROJECT, named=named_in(UpdateProject, body))
    access = await entry.enter(uow)
    command = validate(UpdateProject, body)
    access = await access.to_write()
    if_match.require(row_etag(access.project))
    values, override = command.given(), None
    if "target_id_field" in values:
        field = effective_field(access.org.default_target_id_field, command.target_id_field)
        override = await retarget_project(access, access.project, field)
    access.revise(access.project, values, command.reason, override=override)
    return access.project


async def delete_project(uow: UnitOfWork, project_id: str, body: object, if_match: IfMatch) -> Project:
    """Deletes the project with all below it, and gives it as it was.

    Raises `invalid_confirmation`, `precondition_failed`.
    """
    access = await Entry.of_project(project_id, Operation.DELETE_PROJECT).enter(uow)
    command = confirmation.require(body, access.project.key)
    access = await access.to_write()
    if_match.require(row_etag(access.project))
    previous = {"key": access.project.key, "name": access.project.name}
    access.record(command.reason, previous=previous)
    await uow.delete(access.project, await environments.ids_of_project(uow.session, access.project.id))
    return access.project
