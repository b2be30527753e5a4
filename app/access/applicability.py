"""What keeps pending proposals from being applied, of many at once."""

from collections.abc import Sequence

from app.domain.hindrances import Hindrance, approvals, drifted, target_deleted
from app.models import Proposal
from app.store import environments, identities, proposals
from app.store.unit_of_work import UnitOfWork


async def hindrances(uow: UnitOfWork, pending: Sequence[Proposal]) -> dict[str, Hindrance]:
    """By proposal, what the caller, who may apply it, would be refused with now, in the order in which apply looks.

    Whether the change is valid still, with its references and what refers to it, is seen at the apply alone.
    """
    live = await identities.live_among(uow.session, {one.primitive_id for one in pending})
    of_project = await environments.all_of_projects(uow.session, {one.project_id for one in pending})
    required = await proposals.required_approvals(uow.session, pending)
    words = await proposals.last_words(uow.session, [one.id for one in pending])
    found: dict[str, Hindrance] = {}
    for one in pending:
        if one.primitive_id not in live:
            found[one.id] = target_deleted(one.resource_kind)
            continue
        delete = one.environment_id is None
        rests_on = [at for at in of_project[one.project_id] if delete or at.id == one.environment_id]
        drift = drifted(one.proposed_versions, rests_on, delete=delete)
        if (hindrance := drift or approvals(words[one.id], required[one.id], uow.actor).hindrance) is not None:
            found[one.id] = hindrance
    return found
