"""Proposals applied: each is checked again, as the write itself would be."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.access.applicability import standings
from app.access.entry import Access
from app.domain.commands import validate
from app.domain.errors import invalid
from app.domain.news import NewsEvent
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.domain.proposals import DELETES, DIFF, PROPOSABLE, ProposalKind, ProposalStatus, status_at
from app.engine.kinds import KILLED
from app.engine.promoted import Key, wanted_of
from app.engine.target_ids import EntryChange
from app.models import Primitive, Proposal
from app.services.changes import Change, Checked, check_states, write_change
from app.services.primitives import delete_now, require_unused
from app.services.promotion_changes import Wanted, place_of, valid_changes
from app.services.proposal_news import announce
from app.services.proposals import EndProposal, end, enter_proposal, reenter_to_write, subject_of
from app.store import identities, json_columns, proposals, states
from app.store.pieces import in_pieces
from app.store.unit_of_work import Subject, UnitOfWork


async def apply_proposal(uow: UnitOfWork, proposal_id: str, body: object, if_match: IfMatch) -> Proposal:
    """Does what was proposed, if it can be done still, nothing has changed since, and enough people approve.

    Raises `precondition_failed`, `proposal_gone`, `version_drift`, `approval_missing`; and `not_found`, `in_use` or
    `invalid_request` where it cannot be done any more.
    """
    access, proposal = await enter_proposal(uow, proposal_id, Operation.APPLY_PROPOSAL)
    command = validate(EndProposal, body)
    wanted = await _wanted(uow, proposal)
    checked, faults = await _check_again(access, proposal, wanted)
    access, proposal = await reenter_to_write(access, proposal_id, if_match)
    approvers, deleted, hindrance = (await standings(uow, [proposal]))[proposal.id]
    if deleted is not None:
        raise deleted.error
    if faults:
        raise invalid(faults, "The proposal is no longer valid. Cancel it, and propose a change that is.")
    changes: Sequence[Change] = ()
    if (to_delete := await _to_delete(uow, proposal)) is not None:
        await require_unused(access, to_delete)
    else:
        present = await states.currents(uow.session, access.environment.id, wanted)
        changes = await valid_changes(access, present, wanted, checked.__getitem__)  # whose paths are the proposal's
    if hindrance is not None:
        raise hindrance.error
    if to_delete is not None:
        await delete_now(access, to_delete)
    subjects = [await subject_of(uow, proposal)] if proposal.kind is not ProposalKind.PROMOTE else []
    async for piece in in_pieces(changes):
        for change in piece:
            write_change(access, change)
            if proposal.kind is ProposalKind.PROMOTE:
                subjects.append(access.subject(change.current.primitive))
    version = None if proposal.environment_id is None else access.environment.version
    await end(access, proposal, ProposalStatus.APPLIED, applied_version=version, approvers=approvers)
    _record(access, proposal, subjects, command.reason, approvers)
    await announce(uow, proposal, NewsEvent.APPLIED, comment=command.reason)
    return proposal


def _record(
    access: Access,
    proposal: Proposal,
    subjects: Sequence[Subject],
    reason: str | None,
    approvers: Sequence[dict[str, Any]],
) -> None:
    """An audit row for each primitive that was changed."""
    new = {"kind": proposal.kind, "proposedBy": proposal.actor}
    if proposal.source_id is not None:
        new["fromEnvId"] = proposal.source_id
    for subject in subjects:
        access.record(reason or proposal.reason, subject, new=new, proposal_id=proposal.id, approvers=approvers)


async def _to_delete(uow: UnitOfWork, proposal: Proposal) -> Primitive | None:
    """What the proposal deletes, if it does."""
    if proposal.kind not in DELETES or proposal.primitive_id is None:
        return None
    return await identities.live(uow.session, proposal.primitive_id)


async def _wanted(uow: UnitOfWork, proposal: Proposal) -> Wanted:
    """What a pending proposal wants of states: by kind and key, by dimension or as `killed`."""
    pending = status_at(proposal.status, proposal.expires_at, uow.now) is ProposalStatus.PENDING
    if not pending or proposal.kind in DELETES:
        return {}
    stored = (await proposals.contents(uow.session, [proposal.id]))[proposal.id]

    def read() -> Wanted:
        after = json_columns.value(stored.after)
        if proposal.resource_kind is None or proposal.resource_key is None:
            return wanted_of(after)
        dimension = PROPOSABLE[proposal.kind].dimension
        name = KILLED if dimension is None else dimension.name
        return {(proposal.resource_kind, proposal.resource_key): {name: after}}

    return await uow.host.off_loop(read)


async def _check_again(
    access: Access, proposal: Proposal, wanted: Wanted
) -> tuple[Mapping[Key, Checked], Mapping[str, str]]:
    """Checks what is wanted as it is by now, before the write begins, and gives all faults.

    What lists get and lose, as in a promotion, can be nothing that they may not have. What was deleted is left out.
    """
    bodies = {}
    if wanted:
        for key, one in (await states.currents(access.uow.session, access.environment.id, wanted)).items():
            body = {name: value for name, value in wanted[key].items() if not isinstance(value, EntryChange)}
            bodies[key] = one.primitive, body, _place(proposal, one.primitive)
    checked, faults = await check_states(access, list(bodies.values()))
    return dict(zip(bodies, checked, strict=True)), faults


def _place(proposal: Proposal, primitive: Primitive) -> str:
    """Where the proposal has what is wanted of the primitive."""
    return f"{DIFF}.{place_of(primitive)}" if proposal.kind is ProposalKind.PROMOTE else f"{DIFF}."
