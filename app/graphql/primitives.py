"""Flags, configs and segments alike: lists of all kinds, and what their queries and mutations have in common."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from app.access.paging import Listing
from app.domain.preconditions import IfMatch
from app.engine.kinds import Kind
from app.graphql.arguments import ProjectId
from app.graphql.context import Info
from app.graphql.inputs import OfPrimitive, OfProject, OfState, Overridable, body_of, if_match
from app.graphql.lists import OF_IDENTITIES, PAGING, arguments_of, list_field
from app.graphql.types.proposals import Proposal as ProposalNode
from app.graphql.types.references import Referrer
from app.graphql.types.relay import Connection, Node
from app.graphql.types.resources import Primitive as PrimitiveNode
from app.graphql.types.resources import identity_of
from app.models import Primitive, Proposal
from app.services.primitives import Primitives, list_identities
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

DEFAULT_VALUE = "The value where no rule decides."
RULES = "Tried top down; the first that applies decides."
UNLESS_DIVERTED = "null where the change waits for approval."


def identities_of(primitives: Primitives, make: Callable[[Primitive], Node]) -> Any:
    """The root field that lists a project's identities of one kind."""

    async def resolve(_: Any, info: Info, asked: Listing, project_id: str) -> Any:
        async with info.context.unit() as uow:
            page = await primitives.list(uow, project_id, asked)
        return Connection.of(info.context, page, lambda row: row.id, make)

    spec = primitives.spec
    arguments = arguments_of(spec.kind, of_states=False)
    return list_field(f"The {spec.plural} of a project.", arguments, resolve, project_id=ProjectId)


async def _list_all(_: Any, info: Info, asked: Listing, project_id: str, kinds: tuple[Kind, ...]) -> Any:
    async with info.context.unit() as uow:
        page = await list_identities(uow, project_id, asked, kinds)
    return Connection.of(info.context, page, lambda row: row.id, identity_of)


@strawberry.type
class PrimitiveQueries:
    primitives: Connection[PrimitiveNode] | None = list_field(
        "The flags, configs and segments of a project.", OF_IDENTITIES, _list_all, of_kinds=True, project_id=ProjectId
    )


def references_of(primitives: Primitives, key: Any, description: str) -> Any:
    """The root field that lists what refers to one of the primitives; `key` is the type of the argument for it."""

    async def resolve(_: Any, info: Info, asked: Listing, **named: str) -> Any:
        async with info.context.unit() as uow:
            page = await primitives.references(uow, named["project_id"], named["key"], asked)
        return Connection.of(info.context, page, lambda row: row.state.id, Referrer.of)

    return list_field(description, PAGING, resolve, project_id=ProjectId, key=key)


async def state_asked(
    info: Info, primitives: Primitives, environment_id: str, key: str, version: int | None
) -> tuple[Current, int | None]:
    """The state as it is or was, and the version that was asked for."""
    async with info.context.unit() as uow:
        current, _ = await primitives.get_state(uow, environment_id, key, {"version": version})
        return current, version


async def created(info: Info, primitives: Primitives, given: OfProject) -> Primitive:
    async with info.context.unit() as uow:
        return await primitives.create(uow, given.project_id, body_of(given))


async def updated(info: Info, primitives: Primitives, given: OfPrimitive) -> Primitive:
    body = body_of(given)
    async with info.context.unit() as uow:
        return await primitives.update(uow, given.project_id, given.key, body, if_match(given))


@strawberry.type
class Divertible:
    """What a mutation answers with that may have become a proposal."""

    proposal: ProposalNode | None = strawberry.field(
        description="The proposal, where the change waits for approval; else null."
    )


def shown(made: Any, name: str, make: Callable[[Any], Node]) -> dict[str, Any]:
    """The members of such an answer: what was written by its name, or the proposal that was made instead."""
    if isinstance(made, Proposal):
        return {name: None, "proposal": ProposalNode.of(made)}
    return {name: make(made), "proposal": None}


async def deleted(info: Info, primitives: Primitives, given: OfPrimitive) -> Primitive | Proposal:
    """What was deleted, as it was, or the proposal to do so."""
    body = body_of(given)
    async with info.context.unit(given if isinstance(given, Overridable) else None) as uow:
        return await primitives.delete(uow, given.project_id, given.key, body, if_match(given))


async def written(
    info: Info, write: Callable[[UnitOfWork, str, str, object, IfMatch], Awaitable[Current | Proposal]], given: OfState
) -> Current | Proposal:
    """The state as a use case leaves it, or the proposal that it makes."""
    body = body_of(given)
    async with info.context.unit(given) as uow:
        return await write(uow, given.environment_id, given.key, body, if_match(given))
