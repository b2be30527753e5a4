"""Environments: create, list, read, change, delete."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from app.access import confirmation
from app.access.entry import Access, Entry
from app.access.etags import environment_etag
from app.access.paging import Listing
from app.access.visible import scope_of
from app.domain.commands import Command, Name, Slug, Text, is_slug, validate
from app.domain.errors import key_collision, not_found
from app.domain.named import Id, Needs, named_in
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.models import Color, Environment, State
from app.services.quotas import Quota, require_room, require_room_for_states
from app.services.target_id_fields import effective_field
from app.store import environments, identities, states
from app.store.changeset import make_findable, size_of
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork

_NEEDS = Needs(Operation.PROTECT_ENVIRONMENT)
Protected = Annotated[bool, _NEEDS]
Approvals = Annotated[int, Field(ge=1, le=10), _NEEDS]
ShownColor = Annotated[Color, Field(strict=False)]
Position = Annotated[int, Field(ge=0, le=1_000_000)]


class CreateEnvironment(Command, json_schema_extra={"examples": [{"key": "prod", "name": "Production"}]}):
    """A new environment: every primitive with its initial value and no rules, or as another environment has it."""

    key: Slug
    name: Name
    protected: Protected = False
    required_approvals: Approvals = 1
    color: ShownColor = Color.GRAY
    position: Position | None = None
    copy_from_env_id: Annotated[str | None, Id("environment", Operation.READ_STATE)] = None
    reason: Text | None = None


class UpdateEnvironment(
    Command, json_schema_extra={"examples": [{"protected": True, "reason": "Agreed with the team"}]}
):
    """What may change of an environment; what is not named stays."""

    name: Name = ""
    protected: Protected = False
    required_approvals: Approvals = 1
    color: ShownColor = Color.GRAY
    position: Position = 0
    reason: Text | None = None


async def create_environment(uow: UnitOfWork, project_id: str, body: object) -> Environment:
    """Makes an environment in the project: at version 0, or at version 1 as a copy. Raises `key_collision`."""
    entry = Entry.of_project(project_id, Operation.CREATE_ENVIRONMENT, named=named_in(CreateEnvironment, body))
    access = await entry.enter(uow)
    command = validate(CreateEnvironment, body)
    access = await access.to_write()
    await require_room(uow, Quota.ENVIRONMENTS, access.project.id)
    if await environments.by_key(uow.session, access.project.id, command.key) is not None:
        raise key_collision(command.key)
    environment = Environment(
        project_id=access.project.id,
        version_at=uow.now,
        target_id_field=effective_field(access.org.default_target_id_field, access.project.target_id_field),
        **command.model_dump(exclude={"copy_from_env_id", "position", "reason"}),
    )
    environment.position = (
        await environments.last_position(uow.session, access.project.id)
        if command.position is None
        else command.position
    )
    uow.add(environment)
    await uow.flush()
    source_id = None if command.copy_from_env_id is None else access.ids[command.copy_from_env_id]
    await (_seed(uow, environment) if source_id is None else _copy(access, source_id, environment))
    project = access.project
    subject = Subject(access.org.id, "environment", environment.id, environment.key, project.id, environment.id)
    new = {**command.recorded(), "position": environment.position}
    access.record(command.reason, subject, new=new if source_id is None else {**new, "copyFromEnvId": source_id})
    return environment


async def _seed(uow: UnitOfWork, environment: Environment) -> None:
    for primitive in await identities.all_of_project(uow.session, environment.project_id):
        state = State(
            from_version=0,
            environment_id=environment.id,
            primitive_id=primitive.id,
            default_value=primitive.initial_value,
            updated_at=environment.created_at,
            updated_by=uow.actor_as_json(),
        )
        make_findable(state, primitive)
        environment.state_bytes += size_of(state)
        uow.add(state)
    require_room_for_states(uow, environment)


async def _copy(access: Access, source_id: str, environment: Environment) -> None:
    access.uow.changes.raise_version(environment)  # even when there is nothing to copy
    for primitive, state in await states.all_current(access.uow.session, source_id):
        access.write_state(
            environment,
            primitive,
            None,
            default_value=state.default_value,
            rules=state.rules,
            killed=state.killed,
            allow_list_size=state.allow_list_size,
            deny_list_size=state.deny_list_size,
            entry_bytes=state.entry_bytes,
        )
    access.uow.changes.copy_rows(environment, source_id)
    require_room_for_states(access.uow, environment)


async def list_environments(uow: UnitOfWork, project_id: str, listing: Listing) -> Page[Environment]:
    """The project's environments: for members all, for a token those that it reaches."""
    access = await Entry.of_project(project_id, Operation.READ_PROJECT).enter(uow)
    return await environments.list_of_project(
        uow.session, access.project.id, listing.key(), listing.window("environments", access.project.id), scope_of(uow)
    )


async def get_environment(uow: UnitOfWork, environment_id: str) -> Environment:
    return (await Entry.of_environment(environment_id, Operation.READ_ENVIRONMENT).enter(uow)).environment


async def get_environment_by_key(uow: UnitOfWork, project_id: str, key: str) -> Environment:
    """The environment of the key. Raises `not_found`."""
    access = await Entry.of_project(project_id, Operation.READ_PROJECT).enter(uow)
    environment = await environments.by_key(uow.session, access.project.id, key) if is_slug(key) else None
    if environment is None:
        raise not_found("environment")
    return await get_environment(uow, environment.id)


async def update_environment(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Environment:
    """Changes what the body names. Raises `precondition_failed`, `approval_not_supported` for less protection."""
    named = named_in(UpdateEnvironment, body)
    access = await Entry.of_environment(environment_id, Operation.UPDATE_ENVIRONMENT, named=named).enter(uow)
    command = validate(UpdateEnvironment, body)
    access = await access.to_write()
    environment, values = access.environment, command.given()
    if_match.require(environment_etag(environment))
    override = None
    if environment.protected and _weakens(environment, values):
        override = access.require(Operation.PROTECT_ENVIRONMENT, protected=True)
    operation = Operation.PROTECT_ENVIRONMENT if values.keys() & {"protected", "required_approvals"} else None
    access.revise(environment, values, command.reason, operation=operation, override=override)
    return environment


async def delete_environment(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Environment:
    """Deletes the environment with all states in it, and gives it as it was.

    Raises `invalid_confirmation`, `precondition_failed`.
    """
    access = await Entry.of_environment(environment_id, Operation.DELETE_ENVIRONMENT).enter(uow)
    command = confirmation.require(body, access.environment.key)
    access = await access.to_write()
    environment = access.environment
    if_match.require(environment_etag(environment))
    access.record(command.reason, previous={"key": environment.key, "name": environment.name})
    await uow.delete(environment, [environment.id])
    return environment


def _weakens(environment: Environment, values: Mapping[str, Any]) -> bool:
    fewer = values.get("required_approvals", environment.required_approvals) < environment.required_approvals
    return fewer or not values.get("protected", True)
