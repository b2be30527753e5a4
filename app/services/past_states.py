"""States as they were at a version of their environment."""

from collections.abc import Collection
from typing import Annotated

from pydantic import ConfigDict, Field

from app.access import batches
from app.domain.commands import Command, place_of, validate
from app.domain.errors import AppError, invalid, not_found
from app.models import Environment
from app.store import states
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork


class StateAtVersion(Command):
    """When a state is asked for. In a query it comes as text, so it is read leniently."""

    model_config = ConfigDict(strict=False)

    version: Annotated[
        int | None, Field(ge=0, description="As it was at this version of the environment; as it is now if absent.")
    ] = None


def version_in(query: object, environment: Environment) -> int | None:
    """The version that is asked for, if one is. Raises `invalid_request` for one that is not yet there."""
    version = validate(StateAtVersion, query).version
    if version is not None:
        _require_reached(environment, version, place_of("version", query))
    return version


async def state_at(uow: UnitOfWork, present: Current, version: int) -> Current:
    """The state at a version that the environment has reached. Raises `not_found`."""
    primitive, state = present
    if state.from_version <= version:
        return present
    state_then = await states.at_version(uow.session, state.environment_id, primitive.id, version)
    if state_then is None:
        raise _not_there(present, version)
    return Current(primitive, state_then)


async def states_at(
    uow: UnitOfWork, environment_id: str, version: int, present: Collection[Current]
) -> list[Current | AppError]:
    """For each present state of the environment what it was at a version, or what REST would refuse that with."""
    (environment,) = await batches.environments(uow, [environment_id])
    _require_reached(environment, version, "version")
    primitive_ids = [current.primitive.id for current in present]
    found = await states.all_at_version(uow.session, environment_id, primitive_ids, version)
    return [
        Current(one.primitive, found[one.primitive.id]) if one.primitive.id in found else _not_there(one, version)
        for one in present
    ]


def _require_reached(environment: Environment, version: int, place: str) -> None:
    if version < 0:
        raise invalid({place: "Must be at least 0."})
    if version > environment.version:
        raise invalid({place: f"The environment is at version {environment.version}, which is the newest."})


def _not_there(present: Current, version: int) -> AppError:
    return not_found(present.primitive.kind, f"It had not been made at version {version}.")
