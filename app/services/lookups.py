"""Things by id, many at once: what the caller may not see is left out, as if it were not there."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.policy import Allow, Operation, Target, decide
from app.models import Environment, Org, Primitive, Project
from app.services.access import signed_in
from app.store import lookups
from app.store.lookups import Seen
from app.store.primitives import Current
from app.store.unit_of_work import UnitOfWork

Query = Callable[[AsyncSession, Iterable[str], str], Awaitable[list[Seen]]]


async def orgs(uow: UnitOfWork, ids: Iterable[str]) -> list[Org]:
    """Organisations."""
    return await _allowed(uow, lookups.orgs, ids, Operation.READ_ORG)


async def projects(uow: UnitOfWork, ids: Iterable[str]) -> list[Project]:
    """Projects."""
    return await _allowed(uow, lookups.projects, ids, Operation.READ_PROJECT)


async def environments(uow: UnitOfWork, ids: Iterable[str]) -> list[Environment]:
    """Environments."""
    return await _allowed(uow, lookups.environments, ids, Operation.READ_ENVIRONMENT)


async def primitives(uow: UnitOfWork, ids: Iterable[str]) -> list[Primitive]:
    """Live primitives."""
    return await _allowed(uow, lookups.primitives, ids, Operation.READ_PRIMITIVE)


async def states(uow: UnitOfWork, ids: Iterable[str]) -> list[Current]:
    """Present states, by the state's id."""
    return await _allowed(uow, lookups.states, ids, Operation.READ_STATE)


async def states_of(uow: UnitOfWork, primitive_ids: Iterable[str]) -> list[Current]:
    """Present states of primitives, in all environments."""
    return await _allowed(uow, lookups.states_of, primitive_ids, Operation.READ_STATE)


async def _allowed(uow: UnitOfWork, query: Query, ids: Iterable[str], operation: Operation) -> list[Any]:
    person = signed_in(uow)
    found = await query(uow.session, ids, person.user_id)
    return [seen.row for seen in found if isinstance(decide(uow.actor, operation, _target(seen)), Allow)]


def _target(seen: Seen) -> Target:
    primitive = seen.row.primitive if isinstance(seen.row, Current) else seen.row
    keyed = isinstance(primitive, Primitive)
    return Target(
        role=seen.role,
        project_id=seen.project_id,
        environment_id=seen.environment.id if seen.environment else None,
        kind=primitive.kind if keyed else None,
        key=primitive.key if keyed else None,
    )
