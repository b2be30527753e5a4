"""Things by id, many at once: what the caller may not see is left out, as if it were not there.

And what the caller may do to each of them, by the same policy that then answers.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.entry import tenant_of
from app.domain.actors import Actor, Token
from app.domain.actors import Member as Caller
from app.domain.policy import Allow, Asked, Operation, ResourceType, Target, allowed_without_approval, decide
from app.models import ApiKey, Environment, Invitation, Org, Primitive, Project
from app.store import by_ids, paging
from app.store.by_ids import ChildPage, Seen
from app.store.members import Member
from app.store.paging import WholeList
from app.store.primitives import Current
from app.store.tenancy import Tenant
from app.store.unit_of_work import UnitOfWork

Query = Callable[[AsyncSession, Iterable[str], Tenant], Awaitable[list[Seen]]]


async def orgs(uow: UnitOfWork, ids: Iterable[str]) -> list[Org]:
    return await _allowed(uow, by_ids.orgs, ids, Operation.READ_ORG)


async def projects(uow: UnitOfWork, ids: Iterable[str]) -> list[Project]:
    return await _allowed(uow, by_ids.projects, ids, Operation.READ_PROJECT)


async def environments(uow: UnitOfWork, ids: Iterable[str]) -> list[Environment]:
    return await _allowed(uow, by_ids.environments, ids, Operation.READ_ENVIRONMENT)


async def primitives(uow: UnitOfWork, ids: Iterable[str]) -> list[Primitive]:
    return await _allowed(uow, by_ids.primitives, ids, Operation.READ_PRIMITIVE)


async def states(uow: UnitOfWork, ids: Iterable[str]) -> list[Current]:
    """Present states, by the state's id."""
    return await _allowed(uow, by_ids.states, ids, Operation.READ_STATE)


async def states_of(uow: UnitOfWork, primitive_ids: Iterable[str]) -> list[Current]:
    """Present states of primitives, in all environments."""
    return await _allowed(uow, by_ids.states_of, primitive_ids, Operation.READ_STATE)


async def api_keys(uow: UnitOfWork, ids: Iterable[str]) -> list[ApiKey]:
    return await _allowed(uow, by_ids.api_keys, ids, Operation.MANAGE_TOKENS)


async def members(uow: UnitOfWork, ids: Iterable[str]) -> list[Member]:
    """Members, by the membership's id."""
    return await _allowed(uow, by_ids.members, ids, Operation.READ_ORG)


async def invitations(uow: UnitOfWork, ids: Iterable[str]) -> list[Invitation]:
    """Invitations that nobody has accepted."""
    return await _allowed(uow, by_ids.invitations, ids, Operation.MANAGE_INVITATIONS)


async def counts(uow: UnitOfWork, lists: Sequence[WholeList]) -> list[int]:
    """How long each list is. Whoever has a page of it was found to see it."""
    return await paging.counts(uow.session, lists)


async def abilities(uow: UnitOfWork, thing: ResourceType, ids: Iterable[str]) -> dict[str, list[Operation]]:
    """What the caller may do at once to each thing of one sort, by its id."""
    found = await _seen(uow, _QUERIES[thing], ids, whole=True)
    return {_id(seen): _able(uow.actor, thing, seen, target) for seen, target in found}


_QUERIES: dict[ResourceType, Query] = {
    ResourceType.ORG: by_ids.orgs,
    ResourceType.PROJECT: by_ids.projects,
    ResourceType.ENVIRONMENT: by_ids.environments,
    ResourceType.PRIMITIVE: by_ids.primitives,
    ResourceType.STATE: by_ids.states,
    ResourceType.MEMBER: by_ids.members,
    ResourceType.INVITATION: by_ids.invitations,
    ResourceType.API_KEY: by_ids.api_keys,
}


def _able(actor: Actor, thing: ResourceType, seen: Seen, target: Target) -> list[Operation]:
    able = allowed_without_approval(actor, thing, target)
    if not isinstance(seen.row, Member):
        return able
    own = isinstance(actor, Caller) and actor.user_id == seen.row.user.id
    others = Operation.REMOVE_MEMBER if own else Operation.LEAVE_ORG  # one leaves, the others are removed
    return [operation for operation in able if operation is not others]


async def _allowed(uow: UnitOfWork, query: Query, ids: Iterable[str], operation: Operation) -> list[Any]:
    found = await _seen(uow, query, ids, whole=isinstance(uow.actor, Token))
    return [seen.row for seen, target in found if isinstance(decide(uow.actor, operation, target), Allow)]


async def _seen(uow: UnitOfWork, query: Query, ids: Iterable[str], *, whole: bool) -> list[tuple[Seen, Target]]:
    """What is in the caller's tenancy; `whole` with what the policy may want to know of the environments below it."""
    found = await query(uow.session, ids, tenant_of(uow))
    above = [seen for seen in found if whole and seen.environment is None]
    if not above:
        return [(seen, _target(seen)) for seen in found]
    org_ids = {seen.row.id for seen in above if isinstance(seen.row, Org)}
    project_ids = {seen.project_id for seen in above if seen.project_id is not None}
    below = defaultdict(list)
    for one in await by_ids.environments_below(uow.session, org_ids=org_ids, project_ids=project_ids):
        below[one.org_id].append(one)
        below[one.project_id].append(one)
    return [(seen, _over(_target(seen), below[seen.project_id or _id(seen)])) for seen in found]


def _over(target: Target, below: Sequence[ChildPage]) -> Target:
    return replace(
        target,
        environment_ids=frozenset(one.id for one in below),
        protected=any(one.protected for one in below),
    )


def _target(seen: Seen) -> Target:
    primitive = seen.row.primitive if isinstance(seen.row, Current) else seen.row
    environment = seen.environment
    return Target(
        role=seen.role,
        project_id=seen.project_id,
        environment_id=None if environment is None else environment.id,
        asked=(Asked((primitive.kind,), primitive.key),) if isinstance(primitive, Primitive) else (),
        protected=environment is not None and environment.protected,
    )


def _id(seen: Seen) -> str:
    match seen.row:
        case Current(state=row) | Member(membership=row):
            return str(row.id)
    return str(seen.row.id)
