"""Whether pending proposals can be applied, of many at once."""

from collections.abc import Sequence

from app.domain.hindrances import Hindrance, Standing, approvals, drifted, targets_deleted
from app.domain.proposals import DIFF, ProposalKind
from app.engine.json_text import MAX_FAULTS, dotted_path
from app.engine.kinds import SPECS, KeyRef
from app.models import Proposal
from app.store import environments, proposals
from app.store.unit_of_work import UnitOfWork


async def standings(uow: UnitOfWork, pending: Sequence[Proposal]) -> dict[str, Standing]:
    """By proposal, who approves, and what the caller, who may apply it, is refused with now: the first in the order
    in which apply looks.

    Whether the change is valid still, with its references and what refers to it, is seen at the apply alone.
    """
    deleted = await proposals.deleted_targets(uow.session, [one.id for one in pending])
    of_project = await environments.all_of_projects(uow.session, {one.project_id for one in pending})
    required = await proposals.required_approvals(uow.session, pending)
    reviews = await proposals.last_reviews(uow.session, [one.id for one in pending])
    found: dict[str, Standing] = {}
    for one in pending:
        standing = approvals(reviews[one.id], required[one.id], uow.actor)
        delete = one.environment_id is None
        rests_on = [at for at in of_project[one.project_id] if delete or at.id == one.environment_id]
        gone = _gone(one, deleted[one.id]) if one.id in deleted else None
        drift = drifted(one.proposed_versions, rests_on, delete=delete)
        found[one.id] = Standing(standing.approvers, gone, gone or drift or standing.hindrance)
    return found


def _gone(proposal: Proposal, keys: Sequence[KeyRef]) -> Hindrance:
    fields = {
        f"{DIFF}.{dotted_path([SPECS[one.kind].plural, one.key])}": f"There is no such {one.kind} any more."
        for one in keys[:MAX_FAULTS]
    }
    return targets_deleted(keys[0].kind, fields if proposal.kind is ProposalKind.PROMOTE else None)
