"""Making proposals, within the write that could have made the change."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from app.access.entry import Access, Diverted
from app.domain.actors import Member, Token
from app.domain.news import NewsEvent
from app.domain.proposals import DELETES, ProposalKind
from app.engine import json_text
from app.engine.blast_radius import BlastRadius
from app.engine.kinds import SPECS
from app.models import Primitive, Proposal, ProposalContent, ProposalTarget
from app.services.proposal_news import announce
from app.services.quotas import Quota, require_room, require_room_for_proposal
from app.store import environments, invitations, json_columns, proposals

LIFETIME = timedelta(days=7)


class Terms(NamedTuple):
    """What belongs to a proposal beside the change: `radius` is what it would do, None if that is not known."""

    reason: str | None
    radius: Mapping[str, Any] | None = None
    lifetime: timedelta = LIFETIME


class ProposedChange(NamedTuple):
    """What changes of which primitives, before and after, as JSON text: see `ProposalContent`. A promotion, which may
    change many, has a `source_id`, and its `fingerprint`, which takes a while, is known."""

    kind: ProposalKind
    primitives: Sequence[Primitive]
    before: str | None = None
    after: str | None = None
    source_id: str | None = None
    fingerprint: str | None = None


class Opened(NamedTuple):
    """A proposal that waits; it is not new if its actor has made it of the same change before."""

    proposal: Proposal
    is_new: bool


async def open_proposal(entered: Access | Diverted, change: ProposedChange, terms: Terms) -> Opened:
    """Makes a proposal within the write, or gives the one that its actor has made of the same change already."""
    uow, actor = entered.uow, entered.uow.actor_as_json()
    of_project = change.kind in DELETES
    rests_on = (
        await environments.all_of_project(uow.session, entered.project.id) if of_project else [entered.environment]
    )
    primitive = None if change.source_id is not None else change.primitives[0]
    proposal = Proposal(
        org_id=entered.org.id,
        project_id=entered.project.id,
        environment_id=None if of_project else entered.environment.id,
        primitive_id=None if primitive is None else primitive.id,
        kind=change.kind,
        resource_kind=None if primitive is None else primitive.kind,
        resource_key=None if primitive is None else primitive.key,
        source_id=change.source_id,
        fingerprint=change.fingerprint or fingerprint_of(change),
        proposed_versions={one.id: one.version for one in rests_on},
        actor=actor,
        proposer_id=actor["id"],
        person_id=await _person_behind(entered),
        reason=terms.reason,
        expires_at=uow.now + terms.lifetime,
    )
    if (made := await proposals.same(uow.session, proposal, uow.now)) is not None:
        return Opened(made, is_new=False)
    await require_room(uow, Quota.PROPOSALS, entered.project.id)
    await _add(entered, proposal, change, json_text.encode(terms.radius or BlastRadius().document(None)))
    recorded: dict[str, Any] = {"kind": change.kind}
    if change.source_id is not None:
        recorded |= {"fromEnvId": change.source_id, **_keys(change.primitives)}
    entered.record_proposal(proposal.id, entered.subject(primitive), terms.reason, recorded)
    await announce(uow, proposal, NewsEvent.PROPOSED)
    return Opened(proposal, is_new=True)


async def _add(entered: Access | Diverted, proposal: Proposal, change: ProposedChange, radius: str) -> None:
    """The rows of a new proposal. Raises `invalid_request` where they would be too large."""
    uow, before, after = entered.uow, change.before, change.after
    size = sum(len(text.encode()) for text in (before, after, radius) if text is not None)
    await require_room_for_proposal(uow, entered.project.id, size)
    uow.add(proposal)
    await uow.flush()
    uow.add(ProposalContent(proposal_id=proposal.id, before=before, after=after, blast_radius=radius, size=size))
    for one in change.primitives:
        uow.add(ProposalTarget(proposal_id=proposal.id, primitive_id=one.id, kind=one.kind, key=one.key))


def _keys(primitives: Sequence[Primitive]) -> dict[str, list[str]]:
    """By kind in the plural, where there are any."""
    keys: dict[str, list[str]] = {}
    for one in primitives:
        keys.setdefault(SPECS[one.kind].plural, []).append(one.key)
    return keys


def fingerprint_of(change: ProposedChange) -> str:
    """The same for what is equal as JSON, of the same primitives."""
    same = "" if change.after is None else json.dumps(_normal(json_columns.value(change.after)), sort_keys=True)
    ids = sorted(one.id for one in change.primitives)
    return hashlib.blake2b(f"{change.kind} {change.source_id} {ids} {same}".encode(), digest_size=16).hexdigest()


def _normal(value: Any) -> Any:
    """The value with each number in the one form that all that equal it have."""
    if isinstance(value, dict):
        return {name: _normal(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_normal(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


async def _person_behind(entered: Access | Diverted) -> str:
    """Whoever may not approve of what the caller proposes: who minted the token; and who invited somebody by a link
    that they could open themselves, until the mailbox is proven."""
    match entered.uow.actor:
        case Token(minter=minter):
            return minter.user_id
        case Member(user_id=user_id, proven=False):
            return await invitations.inviter_of(entered.uow.session, entered.org.id, user_id) or user_id
    return str(entered.uow.actor_as_json()["id"])
