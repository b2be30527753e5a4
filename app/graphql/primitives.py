"""What the mutations of flags, configs and segments have in common: an input becomes a use case's call."""

from collections.abc import Awaitable, Callable

from app.access.paging import Listing
from app.domain.preconditions import IfMatch
from app.graphql.context import Info
from app.graphql.inputs import OfPrimitive, OfProject, OfState, Overridable, body_of, if_match
from app.graphql.types.references import Referrer
from app.graphql.types.relay import Connection
from app.models import Primitive
from app.services.primitives import Primitives
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

DEFAULT_VALUE = "The value where no rule decides."
RULES = "Tried top down; the first that applies decides."
UNLESS_DIVERTED = "null where the change waits for approval."


async def created(info: Info, primitives: Primitives, given: OfProject) -> Primitive:
    async with info.context.unit() as uow:
        return await primitives.create(uow, given.project_id, body_of(given))


async def updated(info: Info, primitives: Primitives, given: OfPrimitive) -> Primitive:
    body = body_of(given)
    async with info.context.unit() as uow:
        return await primitives.update(uow, given.project_id, given.key, body, if_match(given))


async def deleted(info: Info, primitives: Primitives, given: OfPrimitive) -> Primitive:
    """What was deleted, as it was."""
    body = body_of(given)
    async with info.context.unit(given if isinstance(given, Overridable) else None) as uow:
        return await primitives.delete(uow, given.project_id, given.key, body, if_match(given))


async def written(
    info: Info, write: Callable[[UnitOfWork, str, str, object, IfMatch], Awaitable[Current]], given: OfState
) -> Current:
    """The state as a use case leaves it."""
    body = body_of(given)
    async with info.context.unit(given) as uow:
        return await write(uow, given.environment_id, given.key, body, if_match(given))


async def references(
    info: Info, primitives: Primitives, project_id: str, key: str, listing: Listing
) -> Connection[Referrer]:
    """A part of the list of what refers to the primitive."""
    async with info.context.unit() as uow:
        page = await primitives.references(uow, project_id, key, listing)
    return Connection.of(info.context, page, lambda row: row.state.id, Referrer.of)
