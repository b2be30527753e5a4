"""Environments: create, list, read, change."""

from app.domain.errors import not_found
from app.domain.inputs import Command, Name, Slug, validate
from app.domain.policy import Operation
from app.domain.preconditions import IfMatch
from app.models import Environment, Primitive, State
from app.services.access import enter_environment, enter_project
from app.services.etags import row_etag
from app.services.listing import Listing
from app.services.projects import key_collision
from app.store import environments, primitives
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork


class CreateEnvironment(Command):
    """A new environment: every primitive of the project with its initial value and no rules, at version 0."""

    key: Slug
    name: Name


class UpdateEnvironment(Command):
    """What may change of an environment."""

    name: Name = ""


async def create_environment(uow: UnitOfWork, project_id: str, body: object) -> Environment:
    """Makes an environment in the project. Raises `key_collision`."""
    access = await enter_project(uow, project_id, Operation.CREATE_ENVIRONMENT)
    command = validate(CreateEnvironment, body)
    access = await access.to_write()
    if await environments.by_key(uow.session, access.project.id, command.key) is not None:
        raise key_collision(command.key)
    environment = Environment(project_id=access.project.id, key=command.key, name=command.name)
    uow.add(environment)
    await uow.flush()
    for primitive in await primitives.all_of_project(uow.session, access.project.id):
        uow.add(_first_state(uow, environment, primitive))
    subject = Subject(access.org.id, "environment", environment.id, environment.key, access.project.id, environment.id)
    uow.record(access.operation, subject, new=command.model_dump(by_alias=True))
    return environment


def _first_state(uow: UnitOfWork, environment: Environment, primitive: Primitive) -> State:
    return State(
        from_version=0,
        environment_id=environment.id,
        primitive_id=primitive.id,
        default_value=primitive.initial_value,
        updated_at=environment.created_at,
        updated_by=uow.actor_shown(),
    )


async def list_environments(uow: UnitOfWork, project_id: str, listing: Listing) -> Page[Environment]:
    """The project's environments."""
    access = await enter_project(uow, project_id, Operation.READ_PROJECT)
    return await environments.list_of_project(uow.session, access.project.id, listing.key(), listing.window())


async def get_environment(uow: UnitOfWork, environment_id: str) -> Environment:
    """The environment."""
    return (await enter_environment(uow, environment_id, Operation.READ_ENVIRONMENT)).environment


async def get_environment_by_key(uow: UnitOfWork, project_id: str, key: str) -> Environment:
    """The environment of the key. Raises `not_found`."""
    access = await enter_project(uow, project_id, Operation.READ_PROJECT)
    if (environment := await environments.by_key(uow.session, access.project.id, key)) is None:
        raise not_found("environment")
    return environment


async def update_environment(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Environment:
    """Changes what the body names. Raises `precondition_failed`."""
    access = await enter_environment(uow, environment_id, Operation.UPDATE_ENVIRONMENT)
    command = validate(UpdateEnvironment, body)
    access = await access.to_write()
    if_match.require(row_etag(access.environment))
    uow.revise(access.operation, access.subject, access.environment, command.given())
    return access.environment
