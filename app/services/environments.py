"""Environments: create, list, read, change, delete."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from app.access import confirmation
from app.access.entry import ProjectAccess, enter_environment, enter_project
from app.access.etags import environment_etag
from app.access.paging import Listing
from app.domain.commands import Command, Name, Slug, Text, is_slug, mentions, validate
from app.domain.errors import key_collision, not_found
from app.domain.policy import Operation
from app.domain.preconditions import IfMatch
from app.models import Environment, Project, State
from app.services.target_id_fields import effective_field
from app.store import environments, primitives
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork

Approvals = Annotated[int, Field(ge=1, le=10)]


class CreateEnvironment(Command, json_schema_extra={"examples": [{"key": "prod", "name": "Production"}]}):
    """A new environment: every primitive with its initial value and no rules, or as another environment has it."""

    key: Slug
    name: Name
    protected: bool = False
    required_approvals: Approvals = 1
    copy_from_env_id: str | None = None
    reason: Text | None = None


class UpdateEnvironment(
    Command, json_schema_extra={"examples": [{"protected": True, "reason": "Agreed with the team"}]}
):
    """What may change of an environment; what is not named stays."""

    name: Name = ""
    protected: bool = False
    required_approvals: Approvals = 1
    reason: Text | None = None


async def create_environment(uow: UnitOfWork, project_id: str, body: object) -> Environment:
    """Makes an environment in the project: at version 0, or at version 1 as a copy. Raises `key_collision`."""
    access = await enter_project(uow, project_id, Operation.CREATE_ENVIRONMENT, naming=partial(_require_source, body))
    await _source(uow, body)
    _require_for_protection(access, body)
    command = validate(CreateEnvironment, body)
    access = await access.to_write()
    source = await _source(uow, body)
    if await environments.by_key(uow.session, access.project.id, command.key) is not None:
        raise key_collision(command.key)
    environment = Environment(
        project_id=access.project.id,
        target_id_field=effective_field(access.org, access.project),
        **command.model_dump(exclude={"copy_from_env_id", "reason"}),
    )
    uow.add(environment)
    await uow.flush()
    await (_copy(uow, source, environment) if source else _seed(uow, environment))
    project = access.project
    subject = Subject(access.org.id, "environment", environment.id, environment.key, project.id, environment.id)
    uow.record(access.operation, subject, reason=command.reason, new=command.recorded())
    return environment


async def _require_source(body: object, uow: UnitOfWork, project: Project) -> None:
    """The environment to copy is among the ids that the call names. Raises `not_found`."""
    named = _named_source(body)
    if named is not None and named not in await environments.ids_of_project(uow.session, project.id):
        raise not_found("environment in this project")


async def _source(uow: UnitOfWork, body: object) -> Environment | None:
    """The environment to copy, for whoever may read it."""
    named = _named_source(body)
    return None if named is None else (await enter_environment(uow, named, Operation.READ_STATE)).environment


def _named_source(body: object) -> str | None:
    """The id as it stands in an unread body; one that is no string is refused with the rest of it."""
    named = body.get("copyFromEnvId") if isinstance(body, Mapping) else None
    return named if isinstance(named, str) else None


async def _seed(uow: UnitOfWork, environment: Environment) -> None:
    for primitive in await primitives.all_of_project(uow.session, environment.project_id):
        uow.add(
            State(
                from_version=0,
                environment_id=environment.id,
                primitive_id=primitive.id,
                default_value=primitive.initial_value,
                updated_at=environment.created_at,
                updated_by=uow.actor_as_json(),
            )
        )


async def _copy(uow: UnitOfWork, source: Environment, environment: Environment) -> None:
    uow.raise_version(environment)
    for primitive, state in await primitives.all_current(uow.session, source.id):
        uow.write_state(
            environment,
            primitive,
            None,
            default_value=state.default_value,
            rules=state.rules,
            killed=state.killed,
        )


def _require_for_protection(access: ProjectAccess, body: object) -> None:
    if mentions(body, "protected", "requiredApprovals"):
        access.require(Operation.PROTECT_ENVIRONMENT)


async def list_environments(uow: UnitOfWork, project_id: str, listing: Listing) -> Page[Environment]:
    """The project's environments: for members all, for a token those that it reaches."""
    access = await enter_project(uow, project_id, Operation.READ_PROJECT)
    return await environments.list_of_project(
        uow.session, access.project.id, listing.key(), listing.window(), access.scope
    )


async def get_environment(uow: UnitOfWork, environment_id: str) -> Environment:
    return (await enter_environment(uow, environment_id, Operation.READ_ENVIRONMENT)).environment


async def get_environment_by_key(uow: UnitOfWork, project_id: str, key: str) -> Environment:
    """The environment of the key. Raises `not_found`."""
    access = await enter_project(uow, project_id, Operation.READ_PROJECT)
    environment = await environments.by_key(uow.session, access.project.id, key) if is_slug(key) else None
    if environment is None:
        raise not_found("environment")
    return await get_environment(uow, environment.id)


async def update_environment(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Environment:
    """Changes what the body names. Raises `precondition_failed`, `approval_not_supported` for less protection."""
    access = await enter_environment(uow, environment_id, Operation.UPDATE_ENVIRONMENT)
    _require_for_protection(access, body)
    command = validate(UpdateEnvironment, body)
    access = await access.to_write()
    environment, values = access.environment, command.given()
    if_match.require(environment_etag(environment))
    if environment.protected and _weakens(environment, values):
        access.require(Operation.PROTECT_ENVIRONMENT, protected=True)
    operation = Operation.PROTECT_ENVIRONMENT if values.keys() - {"name"} else access.operation
    uow.revise(operation, access.subject, environment, values, command.reason)
    return environment


async def delete_environment(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Environment:
    """Deletes the environment with all states in it, and gives it as it was.

    Raises `invalid_confirmation`, `precondition_failed`.
    """
    access = await enter_environment(uow, environment_id, Operation.DELETE_ENVIRONMENT)
    environment = access.environment
    command = confirmation.require(body, environment.key)
    access = await access.to_write()
    if_match.require(environment_etag(access.environment))
    previous = {"key": environment.key, "name": environment.name}
    uow.record(access.operation, access.subject, reason=command.reason, previous=previous)
    await uow.delete(access.environment, [environment.id])
    return access.environment


def _weakens(environment: Environment, values: Mapping[str, Any]) -> bool:
    fewer = values.get("required_approvals", environment.required_approvals) < environment.required_approvals
    return fewer or not values.get("protected", True)
