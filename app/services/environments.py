"""Environments: create, list, read, change, delete."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from app.domain.errors import AppError, not_found
from app.domain.inputs import Command, Name, Slug, is_slug, mentions, validate
from app.domain.policy import Operation
from app.domain.preconditions import IfMatch
from app.models import Environment, State
from app.services import confirmation
from app.services.access import ProjectAccess, enter_environment, enter_project
from app.services.etags import environment_etag
from app.services.listing import Listing
from app.services.projects import key_collision
from app.services.target_ids import effective_field
from app.store import environments, primitives
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork

Approvals = Annotated[int, Field(ge=1, le=10)]


class CreateEnvironment(Command):
    """A new environment: every primitive with its initial value and no rules, or as another environment has it."""

    key: Slug
    name: Name
    protected: bool = False
    required_approvals: Approvals = 1
    copy_from_env_id: str | None = None


class UpdateEnvironment(Command):
    """What may change of an environment; what is not named stays."""

    name: Name = ""
    protected: bool = False
    required_approvals: Approvals = 1


async def create_environment(uow: UnitOfWork, project_id: str, body: object) -> Environment:
    """Makes an environment in the project: at version 0, or at version 1 as a copy. Raises `key_collision`."""
    await _source(uow, project_id, body)
    access = await enter_project(uow, project_id, Operation.CREATE_ENVIRONMENT)
    _require_for_protection(access, body)
    command = validate(CreateEnvironment, body)
    access = await access.to_write()
    source = await _source(uow, project_id, body)
    if await environments.by_key(uow.session, access.project.id, command.key) is not None:
        raise key_collision(command.key)
    environment = Environment(
        project_id=access.project.id,
        target_id_field=effective_field(access.org, access.project),
        **command.model_dump(exclude={"copy_from_env_id"}),
    )
    uow.add(environment)
    await uow.flush()
    await (_copy(uow, source, environment) if source else _seed(uow, environment))
    project = access.project
    subject = Subject(access.org.id, "environment", environment.id, environment.key, project.id, environment.id)
    uow.record(access.operation, subject, new=command.model_dump(by_alias=True))
    return environment


async def _source(uow: UnitOfWork, project_id: str, body: object) -> Environment | None:
    """The environment to copy, an id that comes before the role as those in the path do. Raises `not_found`."""
    named = body.get("copyFromEnvId") if isinstance(body, Mapping) else None
    if not isinstance(named, str):
        return None
    source = await enter_environment(uow, named, Operation.READ_STATE)
    if source.project.id != project_id:
        raise not_found("environment in this project")
    return source.environment


async def _seed(uow: UnitOfWork, environment: Environment) -> None:
    for primitive in await primitives.all_of_project(uow.session, environment.project_id):
        uow.add(
            State(
                from_version=0,
                environment_id=environment.id,
                primitive_id=primitive.id,
                default_value=primitive.initial_value,
                updated_at=environment.created_at,
                updated_by=uow.actor_shown(),
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
    """The environment."""
    return (await enter_environment(uow, environment_id, Operation.READ_ENVIRONMENT)).environment


async def refused(uow: UnitOfWork, environment_id: str) -> AppError | None:
    """What `get_environment` would raise."""
    try:
        await get_environment(uow, environment_id)
    except AppError as refusal:
        return refusal
    return None


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
    uow.revise(operation, access.subject, environment, values)
    return environment


async def delete_environment(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Environment:
    """Deletes the environment with all states in it, and gives it as it was.

    Raises `invalid_confirmation`, `precondition_failed`.
    """
    access = await enter_environment(uow, environment_id, Operation.DELETE_ENVIRONMENT)
    environment = access.environment
    confirmation.require(body, environment.key)
    access = await access.to_write()
    if_match.require(environment_etag(access.environment))
    uow.record(access.operation, access.subject, previous={"key": environment.key, "name": environment.name})
    await uow.delete(access.environment, [environment.id])
    return access.environment


def _weakens(environment: Environment, values: Mapping[str, Any]) -> bool:
    fewer = values.get("required_approvals", environment.required_approvals) < environment.required_approvals
    return fewer or not values.get("protected", True)
