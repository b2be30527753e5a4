"""How many proposals wait: for people to see that there is something to do."""

from collections.abc import Collection

from app.access.entry import allowed_of_instance
from app.access.visible import tenant_of, visible_proposals
from app.domain.actors import Member
from app.domain.operations import Operation
from app.domain.proposals import ProposalStatus
from app.store import proposals
from app.store.unit_of_work import UnitOfWork

_PENDING = (ProposalStatus.PENDING,)


async def open_in_projects(uow: UnitOfWork, project_ids: Collection[str]) -> dict[str, int]:
    """By project, which the caller may see, as many as the caller's list of them has."""
    return await proposals.counts_of_projects(uow.session, project_ids, visible_proposals(uow, _PENDING))


async def open_for_caller(uow: UnitOfWork) -> int | None:
    """As many as the caller's list of all organisations has; None for a token that may not read it."""
    tenant = tenant_of(uow)
    if not allowed_of_instance(uow, Operation.LIST_PROPOSALS):
        return None
    return await proposals.count_of_tenant(uow.session, tenant, visible_proposals(uow, _PENDING))


async def to_review(uow: UnitOfWork) -> int | None:
    """Those by others that wait for the caller's word; None for a token, which has none.

    Whoever may not review, and so not apply either, is waited for by none.
    """
    tenant_of(uow)
    if not isinstance(uow.actor, Member):
        return None
    return await proposals.count_to_review(uow.session, uow.actor.user_id, uow.now) if uow.actor.proven else 0
