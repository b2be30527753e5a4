"""Proposals made by hand, and applied: both are checked as the write itself would be.

What is proposed in the place of a write comes from `services.changes` and `services.primitives`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from app.access.applicability import standings
from app.access.entry import Access, Entry
from app.access.visible import tenant_of
from app.domain.commands import Command, Slug, Text, validate
from app.domain.errors import invalid
from app.domain.hindrances import target_deleted
from app.domain.named import Id, Named
from app.domain.news import NewsEvent
from app.domain.operations import Operation
from app.domain.policy import AskedKey
from app.domain.preconditions import IfMatch
from app.domain.proposals import DELETES, PROPOSABLE, Proposable, ProposalKind, ProposalStatus, status_at
from app.engine import json_text
from app.engine.kinds import KILLED, Kind
from app.engine.rules import RULES_EXAMPLE
from app.engine.suggestions import unknown
from app.models import Primitive, Proposal
from app.services.blast_radius import of_change, of_delete
from app.services.changes import (
    NOTHING_CHECKED,
    Change,
    Checked,
    at_present,
    check_state,
    difference,
    propose,
    require_valid,
    write_change,
)
from app.services.evaluation import Contexts
from app.services.primitives import delete_now, propose_delete, require_unused
from app.services.proposal_news import announce
from app.services.proposals import (
    LIFETIME,
    EndProposal,
    Terms,
    end,
    enter_proposal,
    reenter_to_write,
    subject_of,
)
from app.store import identities, json_columns, proposals, states
from app.store.resolve import KeyRef
from app.store.unit_of_work import UnitOfWork

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=30)
DIFF = "diff"


class CreateProposal(
    Command,
    json_schema_extra={
        "examples": [
            {
                "envId": "acme:web:prod",
                "kind": "set_rules_flag",
                "resourceKey": "checkout",
                "diff": {"rules": RULES_EXAMPLE},
                "reason": "Agreed with the team",
            }
        ]
    },
):
    """A change to be applied later, by somebody else where four eyes are asked for."""

    env_id: str | None = None
    project_id: str | None = None
    kind: Annotated[ProposalKind, Field(strict=False)]
    resource_key: Slug
    diff: dict[str, Any]
    spot_check: Contexts | None = None
    expires_in_seconds: Annotated[int, Field(ge=SHORTEST.total_seconds(), le=LONGEST.total_seconds())] | None = None
    reason: Text | None = None


async def create_proposal(uow: UnitOfWork, body: object) -> Proposal:
    """Proposes a change by hand. Raises `invalid_request` for one that changes nothing, and whatever the write would be
    refused with."""
    tenant_of(uow)
    entry, faults, checked = _entry_in(body), _faults_of_place(body), NOTHING_CHECKED
    access = None if entry is None else await entry.enter(uow)
    proposable = _proposable_in(body)
    diff: Any = body.get(DIFF) if isinstance(body, Mapping) else None
    if proposable is not None and isinstance(diff, Mapping):
        faults |= _faults_of_diff(proposable, diff)
        checked = await _check_diff(access, proposable, diff)
    command = validate(CreateProposal, body, {**faults, **checked.faults})
    if access is None or proposable is None:
        raise LookupError("a valid body names what it changes")
    contexts, lifetime = command.spot_check, LIFETIME
    if command.expires_in_seconds is not None:
        lifetime = timedelta(seconds=command.expires_in_seconds)
    if command.kind in DELETES:
        terms = Terms(command.reason, await of_delete(uow, access.primitive, contexts), lifetime)
        access = await access.to_write()
        await require_unused(access, access.primitive)
        return await propose_delete(access, access.primitive, terms)
    wanted = _wanted(proposable, command.diff)
    radius = await of_change(uow, access.environment, access.primitive, wanted, contexts)
    access = await access.to_write()
    current = await states.current(uow.session, access.environment.id, access.primitive)
    change = await difference(uow, current, wanted, checked)
    if change.is_none:
        raise invalid({DIFF: "Changes nothing: it is so already."})
    await require_valid(access, [change])
    radius = await at_present(access, radius, wanted, contexts)
    return await propose(access, change, Terms(command.reason, radius, lifetime))


async def _check_diff(access: Access | None, proposable: Proposable, diff: Mapping[str, Any]) -> Checked:
    """What is wrong with an unread diff's dimension, where it is known which state it is for."""
    dimension = proposable.dimension
    if access is None or dimension is None or dimension.name not in diff:
        return NOTHING_CHECKED
    if access.resolved.environment is None or access.resolved.primitive is None:
        return NOTHING_CHECKED
    return await check_state(access, access.primitive, {dimension.name: diff[dimension.name]}, f"{DIFF}.")


async def apply_proposal(uow: UnitOfWork, proposal_id: str, body: object, if_match: IfMatch) -> Proposal:
    """Does what was proposed, if it can be done still, nothing has changed since, and enough people approve.

    Raises `precondition_failed`, `proposal_gone`, `version_drift`, `approval_missing`; and `not_found`, `in_use` or
    `invalid_request` where it cannot be done any more.
    """
    access, proposal = await enter_proposal(uow, proposal_id, Operation.APPLY_PROPOSAL)
    command = validate(EndProposal, body)
    checked = await _check_again(access, proposal)
    access, proposal = await reenter_to_write(access, proposal_id, if_match)
    approvers, hindrance = (await standings(uow, [proposal]))[proposal.id]
    if (primitive := await identities.live(uow.session, proposal.primitive_id)) is None:
        raise target_deleted(proposal.resource_kind).error
    if checked.faults:
        raise invalid(checked.faults, "The proposal is no longer valid. Cancel it, and propose a change that is.")
    change = await _change_again(access, proposal, primitive, checked)
    if hindrance is not None:
        raise hindrance.error
    if change is None:
        await delete_now(access, primitive)
    else:
        write_change(access, change)
    version = None if proposal.environment_id is None else access.environment.version
    end(access, proposal, ProposalStatus.APPLIED, applied_version=version, approvers=approvers)
    access.record(
        command.reason or proposal.reason,
        subject_of(proposal),
        new={"kind": proposal.kind, "proposedBy": proposal.actor},
        proposal_id=proposal.id,
        approvers=approvers,
    )
    await announce(uow, proposal, NewsEvent.APPLIED, comment=command.reason)
    return proposal


async def _check_again(access: Access, proposal: Proposal) -> Checked:
    """What is wrong by now with what a pending proposal would write, before the write begins."""
    uow, dimension = access.uow, PROPOSABLE[proposal.kind].dimension
    pending = status_at(proposal.status, proposal.expires_at, uow.now) is ProposalStatus.PENDING
    if not pending or dimension is None:
        return NOTHING_CHECKED
    primitive = await identities.live(uow.session, proposal.primitive_id)
    if primitive is None:
        return NOTHING_CHECKED
    stored = (await proposals.contents(uow.session, [proposal.id]))[proposal.id]
    return await check_state(access, primitive, {dimension.name: json_columns.value(stored.after)}, f"{DIFF}.")


async def _change_again(access: Access, proposal: Proposal, primitive: Primitive, checked: Checked) -> Change | None:
    """What the proposal changes now, which is valid; None for a delete of what nothing refers to."""
    uow, proposable = access.uow, PROPOSABLE[proposal.kind]
    if proposal.kind in DELETES:
        await require_unused(access, primitive)
        return None
    current = await states.current(uow.session, access.environment.id, primitive)
    stored = (await proposals.contents(uow.session, [proposal.id]))[proposal.id]
    after = json_columns.value(stored.after)
    name = KILLED if proposable.dimension is None else proposable.dimension.name
    change = await difference(uow, current, {name: after}, checked)
    await require_valid(access, [change])
    return change


def _wanted(proposable: Proposable, diff: Mapping[str, Any]) -> Mapping[str, Any]:
    return diff if proposable.dimension is not None else {KILLED: proposable.killed}


def _entry_in(body: object) -> Entry | None:
    """What an unread body enters, if that can be known."""
    members = body if isinstance(body, Mapping) else {}
    environment_id, project_id, key = (members.get(name) for name in ("envId", "projectId", "resourceKey"))
    proposable = _proposable_in(body)
    ref: KeyRef | None = None
    asked: tuple[AskedKey, ...] = ()
    if isinstance(key, str) and proposable is not None:
        ref = KeyRef(proposable.kind, key)
    elif isinstance(key, str):
        asked = (AskedKey(tuple(Kind), key),)
    if isinstance(environment_id, str):  # a project that is named too is refused with the rest, once it is known
        ids = ((Id("project"), project_id),) if isinstance(project_id, str) else ()
        return Entry.of_environment(environment_id, Operation.PROPOSE, ref, named=Named(ids, asked))
    if isinstance(project_id, str):
        return Entry.of_project(project_id, Operation.PROPOSE, ref, named=Named(asked=asked))
    return None


def _proposable_in(body: object) -> Proposable | None:
    kind = body.get("kind") if isinstance(body, Mapping) else None
    return PROPOSABLE[ProposalKind(kind)] if isinstance(kind, str) and kind in list(ProposalKind) else None


def _faults_of_place(body: object) -> dict[str, str]:
    """Whether an unread body names a project, for a delete, or an environment, for all else."""
    if not isinstance(body, Mapping) or (proposable := _proposable_in(body)) is None:
        return {}
    wanted, other = (
        ("projectId", "envId") if proposable.operation is Operation.DELETE_PRIMITIVE else ("envId", "projectId")
    )
    faults = {}
    if body.get(wanted) is None:
        faults[wanted] = "Is required for this kind."
    if isinstance(body.get(other), str):  # what has the wrong type is refused for that
        faults[other] = f"Is not for this kind: it takes {wanted}."
    return faults


def _faults_of_diff(proposable: Proposable, diff: Mapping[str, Any]) -> dict[str, str]:
    """What is missing in a diff, and what does not belong there."""
    known = [] if proposable.dimension is None else [proposable.dimension.name]
    faults = {f"{DIFF}.{name}": "Is required." for name in known if name not in diff}
    for name in diff:
        if name not in known and len(faults) < json_text.MAX_FAULTS:
            faults[json_text.dotted_path([DIFF, name])] = unknown("field", name, known, len(faults))
    return faults
