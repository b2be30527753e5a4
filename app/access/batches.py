"""Many things at once: by their ids, in lists below many parents, and what the caller may do to each of them.

Tenancy and policy are asked as for one thing. What the caller may not see is left out, as if it were not there.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from sqlmodel import col

from app.access.applicability import standings
from app.access.audit_filters import chosen_of
from app.access.paging import Listing
from app.access.visible import pending_proposals, scope_of, tenant_of, visible_proposals, within
from app.domain.actors import Actor, Token
from app.domain.actors import Member as Caller
from app.domain.hindrances import ended
from app.domain.inabilities import Inability, inability
from app.domain.operations import Operation, ResourceType
from app.domain.policy import Allow, AskedKey, Target, decide, operations_on
from app.domain.proposals import status_at
from app.engine.kinds import Dimension, Kind
from app.models import (
    ApiKey,
    Environment,
    Invitation,
    Org,
    Primitive,
    Project,
    Proposal,
    ProposalReview,
    SpotChecks,
    StateEntry,
    Table,
)
from app.store import audit as audit_rows
from app.store import by_ids, identities, paging
from app.store import environments as environment_rows
from app.store import projects as project_rows
from app.store import proposals as proposal_rows
from app.store import states as state_rows
from app.store.audit import Recorded
from app.store.by_ids import ByIds, EnvironmentRef, Seen
from app.store.entries import list_entries
from app.store.members import Member
from app.store.paging import Page, WholeList
from app.store.pieces import in_pieces
from app.store.spot_checks import spot_checks_of
from app.store.states import Current
from app.store.traffic_sample import Sampled, samples_of
from app.store.unit_of_work import UnitOfWork

T = TypeVar("T")
Ids = Collection[str]
Abilities = dict[Operation, Inability | None]  # every operation that the thing has; None for what may be done at once


class ChildPage(NamedTuple):
    """A part of the list below one parent."""

    parent_id: str
    listing: Listing


async def orgs(uow: UnitOfWork, ids: Ids) -> list[Org]:
    return await _allowed(uow, by_ids.orgs, ids, Operation.READ_ORG)


async def projects(uow: UnitOfWork, ids: Ids) -> list[Project]:
    return await _allowed(uow, by_ids.projects, ids, Operation.READ_PROJECT)


async def environments(uow: UnitOfWork, ids: Ids) -> list[Environment]:
    return await _allowed(uow, by_ids.environments, ids, Operation.READ_ENVIRONMENT)


async def primitives(uow: UnitOfWork, ids: Ids) -> list[Primitive]:
    return await _allowed(uow, by_ids.primitives, ids, Operation.READ_PRIMITIVE)


async def states(uow: UnitOfWork, ids: Ids) -> list[Current]:
    """Present states, by the state's id."""
    return await _allowed(uow, by_ids.states, ids, Operation.READ_STATE)


async def states_of(uow: UnitOfWork, primitive_ids: Ids) -> list[Current]:
    """Present states of primitives, in all environments, in the order of the environments."""
    return await _allowed(uow, by_ids.states_of, primitive_ids, Operation.READ_STATE)


async def api_keys(uow: UnitOfWork, ids: Ids) -> list[ApiKey]:
    return await _allowed(uow, by_ids.api_keys, ids, Operation.MANAGE_TOKENS)


async def members(uow: UnitOfWork, ids: Ids) -> list[Member]:
    """Members, by the membership's id."""
    return await _allowed(uow, by_ids.members, ids, Operation.READ_ORG)


async def invitations(uow: UnitOfWork, ids: Ids) -> list[Invitation]:
    """Pending invitations."""
    return await _allowed(uow, by_ids.invitations, ids, Operation.MANAGE_INVITATIONS)


async def proposals(uow: UnitOfWork, ids: Ids) -> list[Proposal]:
    return await _readable(uow, by_ids.proposals, ids)


async def reviews(uow: UnitOfWork, ids: Ids) -> list[ProposalReview]:
    return await _readable(uow, by_ids.reviews, ids)


async def projects_of_orgs(uow: UnitOfWork, org_ids: Ids, listing: Listing) -> Mapping[str, Page[Project]]:
    """By organisation, a page of projects for each organisation that the caller may see."""
    seen = [org.id for org in await orgs(uow, org_ids)]
    return await project_rows.lists_of_orgs(
        uow.session, seen, listing.key(), listing.window("projects", *seen), scope_of(uow)
    )


async def environments_of_projects(
    uow: UnitOfWork, project_ids: Ids, listing: Listing
) -> Mapping[str, Page[Environment]]:
    seen = [project.id for project in await projects(uow, project_ids)]
    return await environment_rows.lists_of_projects(
        uow.session, seen, listing.key(), listing.window("environments", *seen), scope_of(uow)
    )


async def primitives_of_projects(
    uow: UnitOfWork, project_ids: Ids, listing: Listing, kinds: Collection[Kind]
) -> Mapping[str, Page[Primitive]]:
    seen = [project.id for project in await projects(uow, project_ids)]
    chosen, window = listing.of_primitives(within(uow, kinds), *seen, of_states=False)
    return await identities.lists_of_projects(uow.session, seen, chosen, window)


async def states_of_environments(
    uow: UnitOfWork, environment_ids: Ids, listing: Listing, kinds: Collection[Kind]
) -> Mapping[str, Page[Current]]:
    seen = await environments(uow, environment_ids)
    chosen, window = listing.of_primitives(within(uow, kinds), *(one.id for one in seen), of_states=True)
    return await state_rows.lists_current(uow.session, seen, chosen, window, pending_proposals(uow))


async def entries_of_states(
    uow: UnitOfWork, state_ids: Ids, listing: Listing, dimension: Dimension, version: int | None
) -> Mapping[str, Page[StateEntry]]:
    """By state, a page of one of its lists for each state that the caller may see, as it is or was at a version."""
    seen = [current.state.id for current in await states(uow, state_ids)]
    search, window = listing.of_entries(dimension.name if version is None else f"{dimension.name} {version}", *seen)
    return await list_entries(uow.session, seen, dimension, search, window, version)


async def spot_checks(uow: UnitOfWork, environment_ids: Ids) -> dict[str, SpotChecks | None]:
    """By environment, what each keeps that the caller may see."""
    seen = [environment.id for environment in await environments(uow, environment_ids)]
    return {**dict.fromkeys(seen), **await spot_checks_of(uow.session, seen)}


async def traffic_samples(uow: UnitOfWork, environment_ids: Ids) -> dict[str, Sampled]:
    """By environment, what each samples that the caller may see."""
    seen = [environment.id for environment in await environments(uow, environment_ids)]
    return await samples_of(uow.session, seen, uow.now)


async def proposals_below(
    uow: UnitOfWork, parent_ids: Ids, listing: Listing, parent: ResourceType
) -> Mapping[str, Page[Proposal]]:
    """By organisation, project, environment or primitive, a page of its proposals."""
    look_up, column = _PARENTS[parent]
    rows = await look_up(uow, parent_ids)
    seen = [row.id for row in rows]
    statuses, window = listing.of_proposals(*seen)
    visible = visible_proposals(uow, statuses)
    if column is None:
        return await proposal_rows.lists_of_environments(uow.session, rows, visible, window)
    return await proposal_rows.lists_below(uow.session, column, seen, visible, window)


_PARENTS: dict[ResourceType, tuple[Any, Any]] = {
    ResourceType.ORG: (orgs, col(Proposal.org_id)),
    ResourceType.PROJECT: (projects, col(Proposal.project_id)),
    ResourceType.ENVIRONMENT: (environments, None),
    ResourceType.PRIMITIVE: (primitives, proposal_rows.OF_PRIMITIVE),
}


async def reviews_of_proposals(
    uow: UnitOfWork, proposal_ids: Ids, listing: Listing
) -> Mapping[str, Page[ProposalReview]]:
    seen = [proposal.id for proposal in await proposals(uow, proposal_ids)]
    return await proposal_rows.lists_of_reviews(uow.session, seen, listing.window("reviews", *seen))


async def audit_below(
    uow: UnitOfWork, parent_ids: Ids, listing: Listing, parent: ResourceType
) -> Mapping[str, Page[Recorded]]:
    """By organisation, project, environment or primitive, a page of what was done to it or in it."""
    look_up, column, org_of = _AUDITED[parent]
    orgs_of = {row.id: org_of(row) for row in await look_up(uow, parent_ids)}
    if parent in {ResourceType.ENVIRONMENT, ResourceType.PRIMITIVE}:
        above = {project.id: project.org_id for project in await projects(uow, set(orgs_of.values()))}
        orgs_of = {one: above.get(project_id, "") for one, project_id in orgs_of.items()}
    readable = {org.id: org for org in await orgs(uow, set(orgs_of.values()))}
    seen = [one for one, org_id in orgs_of.items() if org_id in readable]
    asked, window = listing.of_audit(*seen)
    chosen = await chosen_of(uow, readable.values(), asked)
    return await audit_rows.lists_below(uow.session, column, seen, chosen, window)


async def audit_events(uow: UnitOfWork, ids: Ids) -> list[Recorded]:
    found = await audit_rows.events(uow.session, ids)
    readable = {org.id for org in await orgs(uow, {row.event.org_id or "" for row in found})}
    return [row for row in found if row.event.org_id in readable]


_AUDITED: dict[ResourceType, tuple[Any, Any, Callable[[Any], str]]] = {
    ResourceType.ORG: (orgs, audit_rows.OF_ORG, lambda org: org.id),
    ResourceType.PROJECT: (projects, audit_rows.OF_PROJECT, lambda project: project.org_id),
    ResourceType.ENVIRONMENT: (environments, audit_rows.OF_ENVIRONMENT, lambda environment: environment.project_id),
    ResourceType.PRIMITIVE: (primitives, audit_rows.OF_RESOURCE, lambda primitive: primitive.project_id),
}


async def counts(uow: UnitOfWork, lists: Sequence[WholeList]) -> list[int]:
    """How long each list is. Whoever has a page of a list may see it."""
    return await paging.counts(uow.session, lists)


async def table_of(uow: UnitOfWork, id: str) -> type[Table] | None:
    """What the id names, to be looked up next: it need not be the caller's. Raises `unauthorized`."""
    tenant_of(uow)
    return await by_ids.table_of(uow.session, id)


async def abilities(uow: UnitOfWork, resource: ResourceType, ids: Ids) -> dict[str, Abilities]:
    """What the caller may and may not do to each resource of one type, by its id."""
    found: dict[str, Abilities] = {}
    things = await _seen(uow, _BY_IDS[resource], ids, whole=True)
    async for piece in in_pieces(things):
        found |= {seen.id: _abilities(uow.actor, resource, target) for seen, target in piece}
    if (adjust := _BEYOND_POLICY.get(resource)) is not None:
        await adjust(uow, [(seen.entity, found[seen.id]) for seen, _ in things])
    return found


_BY_IDS: dict[ResourceType, ByIds[Any]] = {
    ResourceType.ORG: by_ids.orgs,
    ResourceType.PROJECT: by_ids.projects,
    ResourceType.ENVIRONMENT: by_ids.environments,
    ResourceType.PRIMITIVE: by_ids.primitives,
    ResourceType.STATE: by_ids.states,
    ResourceType.PROPOSAL: by_ids.proposals,
    ResourceType.MEMBER: by_ids.members,
    ResourceType.INVITATION: by_ids.invitations,
    ResourceType.API_KEY: by_ids.api_keys,
}


def _abilities(actor: Actor, resource: ResourceType, target: Target) -> Abilities:
    return {
        operation: inability(actor, operation, its, decide(actor, operation, its))
        for operation, its in operations_on(resource, target).items()
    }


async def _of_members(uow: UnitOfWork, found: Sequence[tuple[Member, Abilities]]) -> None:
    """One leaves, the others are removed."""
    for member, abilities in found:
        own = isinstance(uow.actor, Caller) and uow.actor.user_id == member.user.id
        del abilities[Operation.REMOVE_MEMBER if own else Operation.LEAVE_ORG]


async def _of_proposals(uow: UnitOfWork, found: Sequence[tuple[Proposal, Abilities]]) -> None:
    """What the caller may do is kept from them by how the proposal stands."""
    pending = []
    for proposal, abilities in found:
        gone = ended(status_at(proposal.status, proposal.expires_at, uow.now))
        if gone is not None:
            abilities |= {one: why_not or gone.inability for one, why_not in abilities.items()}
        elif abilities[Operation.APPLY_PROPOSAL] is None:
            pending.append((proposal, abilities))
    found_of = await standings(uow, [proposal for proposal, _ in pending]) if pending else {}
    for proposal, abilities in pending:
        if (hindrance := found_of[proposal.id].hindrance) is not None:
            abilities[Operation.APPLY_PROPOSAL] = hindrance.inability


# What depends on more than the policy looks at: changes what the policy found.
_BEYOND_POLICY: dict[ResourceType, Callable[[UnitOfWork, Sequence[tuple[Any, Abilities]]], Awaitable[None]]] = {
    ResourceType.MEMBER: _of_members,
    ResourceType.PROPOSAL: _of_proposals,
}


async def _allowed(uow: UnitOfWork, query: ByIds[T], ids: Ids, operation: Operation) -> list[T]:
    found = await _seen(uow, query, ids, whole=isinstance(uow.actor, Token))
    allowed = []
    async for piece in in_pieces(found):
        allowed += [seen.entity for seen, target in piece if isinstance(decide(uow.actor, operation, target), Allow)]
    return allowed


async def _readable(uow: UnitOfWork, query: ByIds[T], ids: Ids) -> list[T]:
    """Proposals and what belongs to them: a delete is read as what it deletes, all others as the state."""
    allowed = []
    for seen, target in await _seen(uow, query, ids, whole=True):
        operation = Operation.READ_PRIMITIVE if seen.environment is None else Operation.READ_STATE
        if isinstance(decide(uow.actor, operation, target), Allow):
            allowed.append(seen.entity)
    return allowed


async def _seen(uow: UnitOfWork, query: ByIds[T], ids: Ids, *, whole: bool) -> list[tuple[Seen[T], Target]]:
    """What is in the caller's tenancy; `whole` with what the policy may want to know of the environments below it."""
    found = await query(uow.session, ids, tenant_of(uow))
    above = [seen for seen in found if whole and seen.environment is None]
    if not above:
        return [(seen, _target(seen)) for seen in found]
    org_ids = {seen.id for seen in above if seen.project_id is None}
    project_ids = {seen.project_id for seen in above if seen.project_id is not None}
    below = defaultdict(list)
    for one in await by_ids.environments_below(uow.session, org_ids=org_ids, project_ids=project_ids):
        below[one.org_id].append(one)
        below[one.project_id].append(one)
    return [
        (seen, _target(seen) if seen.environment else _over(_target(seen), below[seen.project_id or seen.id]))
        for seen in found
    ]


def _over(target: Target, below: Iterable[EnvironmentRef]) -> Target:
    return replace(
        target,
        environment_ids=frozenset(one.id for one in below),
        protected=any(one.protected for one in below),
    )


def _target(seen: Seen[Any]) -> Target:
    environment = seen.environment
    return Target(
        role=seen.role,
        project_id=seen.project_id,
        environment_id=None if environment is None else environment.id,
        asked=tuple(AskedKey((one.kind,), one.key) for one in seen.keys),
        protected=environment is not None and environment.protected,
        proposed=seen.proposed,
    )
