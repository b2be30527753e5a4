"""Proposals: changes that wait for a person. They are read here, cancelled, and expire.

`services.proposing` makes them, `services.applying` applies them, `services.reviews` has what people say of them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from app.access.entry import Access, Entry, require_of_instance
from app.access.etags import row_etag, shown_proposal_etag
from app.access.known import sees
from app.access.paging import Listing
from app.access.visible import pending_proposals, tenant_of, visible_proposals
from app.domain.actors import Actor, System, Token, Verb
from app.domain.commands import Command, Text, validate
from app.domain.errors import not_found
from app.domain.hindrances import ended
from app.domain.ids import is_id, lowered
from app.domain.named import Named
from app.domain.news import NewsEvent
from app.domain.operations import Operation
from app.domain.policy import AskedKey
from app.domain.preconditions import IfMatch
from app.domain.proposals import (
    PROPOSABLE,
    ProposalEvent,
    ProposalKind,
    ProposalStatus,
    Verdict,
    status_at,
)
from app.engine import promoted
from app.engine.blast_radius import BlastRadius, reached_by, seen_by
from app.engine.kinds import KILLED, Kind
from app.engine.sampled import shown
from app.models import Proposal, ProposalContent, State
from app.services.proposal_news import announce
from app.store import environments, identities, json_columns, open_proposals, proposals
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork

MAX_SWEPT = 200
MAX_PAGE_BYTES = 8 * 1024 * 1024
Decode = Callable[[str | None], Any]


class EndProposal(Command, json_schema_extra={"examples": [{"reason": "Agreed with the team"}]}):
    """Applying or cancelling a proposal."""

    reason: Text | None = None


class ProposalView(NamedTuple):
    """A proposal as its readers see it: what has become of it by now, and who has approved it.

    `versions` are those that it rests on, of the environments that they reach, and so is `source_id`.
    """

    proposal: Proposal
    status: ProposalStatus
    required_approvals: int
    approvers: Sequence[Mapping[str, Any]]
    versions: Mapping[str, int]
    source_id: str | None

    @property
    def etag(self) -> str:
        """Changes with whatever a reader would see change."""
        approvers = [one["id"] for one in self.approvers]
        return shown_proposal_etag(
            self.proposal, self.status, self.required_approvals, approvers, self.proposal.ended_at
        )


class Content(NamedTuple):
    """What may be long of a proposal, decoded."""

    diff: dict[str, Any]
    blast_radius: dict[str, Any]


async def list_proposals(uow: UnitOfWork, listing: Listing) -> Page[Proposal]:
    """The proposals of all organisations that the caller sees, newest first."""
    tenant = tenant_of(uow)
    require_of_instance(uow, Operation.LIST_PROPOSALS)
    statuses, window = listing.of_proposals("")
    return await proposals.list_of_tenant(uow.session, tenant, visible_proposals(uow, statuses), window)


async def list_project_proposals(uow: UnitOfWork, project_id: str, listing: Listing) -> Page[Proposal]:
    access = await Entry.of_project(project_id, Operation.READ_PRIMITIVE).enter(uow)
    statuses, window = listing.of_proposals(access.project.id)
    return await proposals.list_of_project(uow.session, access.project.id, visible_proposals(uow, statuses), window)


async def list_environment_proposals(uow: UnitOfWork, environment_id: str, listing: Listing) -> Page[Proposal]:
    """The environment's proposals, and those that delete something of its project."""
    access = await Entry.of_environment(environment_id, Operation.READ_STATE).enter(uow)
    environment = access.environment
    statuses, window = listing.of_proposals(environment.id)
    visible = visible_proposals(uow, statuses)
    return (await proposals.lists_of_environments(uow.session, [environment], visible, window))[environment.id]


async def get_proposal(uow: UnitOfWork, proposal_id: str) -> Proposal:
    return (await enter_proposal(uow, proposal_id, None))[1]


async def cancel_proposal(uow: UnitOfWork, proposal_id: str, body: object, if_match: IfMatch) -> Proposal:
    """Ends a proposal that nobody is to apply. Raises `precondition_failed`, `proposal_gone`."""
    access, _ = await enter_proposal(uow, proposal_id, Operation.CANCEL_PROPOSAL)
    command = validate(EndProposal, body)
    access, proposal = await reenter_to_write(access, proposal_id, if_match)
    await end(access, proposal, ProposalStatus.CANCELLED)
    access.record(command.reason, await subject_of(uow, proposal), proposal_id=proposal.id)
    await announce(uow, proposal, NewsEvent.CANCELLED, comment=command.reason)
    return proposal


async def expire(uow: UnitOfWork) -> int:
    """Writes down which proposals have expired, at most so many; gives their number. Readers know without it.

    It makes no revision, so that whoever sends the tag of a pending proposal is told that it has expired.
    """
    uow.actor = System()
    await uow.begin_write()
    expired = await proposals.past_their_time(uow.session, uow.now, MAX_SWEPT)
    for proposal in expired:
        proposal.status, proposal.ended_at = ProposalStatus.EXPIRED, proposal.expires_at
        uow.record(ProposalEvent.EXPIRE, await subject_of(uow, proposal), proposal_id=proposal.id)
    await proposals.end_targets(uow.session, [one.id for one in expired])
    return len(expired)


async def enter_proposal(uow: UnitOfWork, proposal_id: str, operation: Operation | None) -> tuple[Access, Proposal]:
    """The proposal, and the way in to what it changes: to do something to it, or, without an operation, to read it.

    Raises `not_found`, or what the policy denies.
    """
    sought = lowered(proposal_id)
    proposal = await proposals.find(uow.session, sought, tenant_of(uow)) if is_id(sought) else None
    if proposal is None:
        raise not_found("proposal")
    keys = (await proposals.keys_of(uow.session, [proposal.id]))[proposal.id]
    asked = tuple(AskedKey((one.kind,), one.key) for one in keys)
    entry = _entry_to(proposal, operation or _reading(proposal), Named(asked=asked))
    return await entry.enter(uow), proposal


async def reenter_to_write(access: Access, proposal_id: str, if_match: IfMatch) -> tuple[Access, Proposal]:
    """The same within the write, where nobody else can end the proposal.

    Raises `not_found`, `precondition_failed`, `proposal_gone`.
    """
    access = await access.to_write()
    await access.uow.lock(Proposal, [lowered(proposal_id)])  # its time may be over at this moment: `expire` skips it
    proposal = await proposals.current(access.uow.session, lowered(proposal_id))
    if proposal is None:
        raise not_found("proposal")
    if_match.require(row_etag(proposal))
    status = status_at(proposal.status, proposal.expires_at, access.uow.now)
    if (gone := ended(status)) is not None:
        raise gone.error
    return access, proposal


async def end(access: Access, proposal: Proposal, status: ProposalStatus, **values: Any) -> None:
    """What becomes of a pending proposal."""
    uow = access.uow
    uow.revise(proposal, {"status": status, "ended_at": uow.now, "ended_by": uow.actor_as_json(), **values})
    await proposals.end_targets(uow.session, [proposal.id])


async def subject_of(uow: UnitOfWork, proposal: Proposal) -> Subject:
    """What the proposal changes, for the audit: the environment, where it is a promotion."""
    below = proposal.project_id, proposal.environment_id
    if proposal.resource_kind is not None and proposal.primitive_id and proposal.resource_key:
        return Subject(proposal.org_id, proposal.resource_kind, proposal.primitive_id, proposal.resource_key, *below)
    environment = await environments.of_id(uow.session, proposal.environment_id or "")
    return Subject(proposal.org_id, "environment", environment.id, environment.key, *below)


async def viewed(uow: UnitOfWork, rows: Sequence[Proposal]) -> list[ProposalView]:
    """The proposals, which the caller may see, as they are now."""
    required = await proposals.required_approvals(uow.session, rows)
    reviews = await proposals.last_reviews(uow.session, [one.id for one in rows])
    views = []
    for one in rows:
        status = status_at(one.status, one.expires_at, uow.now)
        approvers = one.approvers
        if status is ProposalStatus.PENDING:
            approvers = [review.reviewer for review in reviews[one.id] if review.verdict is Verdict.APPROVE]
        versions, source_id = versions_seen(uow.actor, one), source_seen(uow.actor, one)
        views.append(ProposalView(one, status, required[one.id], approvers, versions, source_id))
    return views


async def within_bytes(uow: UnitOfWork, page: Page[Proposal]) -> Page[Proposal]:
    """A page of proposals to be shown whole, which ends before they are too many bytes: the next page goes on there."""
    sizes = await proposals.sizes(uow.session, [one.id for one in page.rows])
    kept, left = 0, MAX_PAGE_BYTES
    for one in page.rows:
        left -= sizes[one.id]
        if kept and left < 0:
            break
        kept += 1
    has_next = page.has_next or kept < len(page.rows)
    return Page(page.rows[:kept], has_next, page.has_previous, page.whole, page.list_id)


async def open_on(uow: UnitOfWork, found: Sequence[State]) -> list[int]:
    """How many proposals that the caller sees wait for each of the states, deletes included."""
    waiting = await open_proposals.open_on(uow.session, {one.primitive_id for one in found}, pending_proposals(uow))
    return [waiting[one.primitive_id].within(one.environment_id) for one in found]


async def contents(uow: UnitOfWork, rows: Sequence[Proposal]) -> dict[str, Content]:
    """What may be long of each proposal, by its id, as far as the caller reads that."""
    actor, stored = uow.actor, await proposals.contents(uow.session, [one.id for one in rows])
    radii = {one.id: radius_reached(actor, one, stored[one.id]) for one in rows}
    if sees_some_keys(actor):
        kinds = await kinds_tried(uow, [(one.project_id, tried_in(radii[one.id])) for one in rows])
        radii = {one.id: radius_seen(actor, one, radii[one.id], kinds) for one in rows}
    return {one.id: Content(diff_seen(actor, one, stored[one.id]), shown(radii[one.id])) for one in rows}


async def stored_contents(uow: UnitOfWork, rows: Sequence[Proposal]) -> dict[str, ProposalContent]:
    """What may be long of each proposal, by its id, as it is stored: `diff_seen` and `radius_reached` decode it."""
    return await proposals.contents(uow.session, [one.id for one in rows])


def diff_seen(
    actor: Actor, proposal: Proposal, stored: ProposalContent, decode: Decode = json_columns.value
) -> dict[str, Any]:
    """What changes; what was there, only for who may read that."""
    if stored.after is None:
        return {}
    if proposal.kind is ProposalKind.PROMOTE:
        return promoted.shown(decode(stored.before) if _reads(actor) else None, decode(stored.after))
    dimension = PROPOSABLE[proposal.kind].dimension
    name = KILLED if dimension is None else dimension.name
    before = {"from": decode(stored.before)} if _reads(actor) else {}
    return {name: {**before, "to": decode(stored.after)}}


def radius_reached(
    actor: Actor, proposal: Proposal, stored: ProposalContent, decode: Decode = json_columns.value
) -> dict[str, Any]:
    """What the proposal would do, in the environments that the caller reaches: a delete was tried in every environment,
    and is read by whoever reaches one of them."""
    if not _reads(actor):
        return BlastRadius().document(None)
    radius: dict[str, Any] = decode(stored.blast_radius)
    if not isinstance(actor, Token) or all(_reaches(actor, proposal, one) for one in proposal.proposed_versions):
        return radius
    return reached_by(radius, lambda environment_id: _reaches(actor, proposal, environment_id))


def sees_some_keys(actor: Actor) -> bool:
    """Whether it takes `radius_seen` to know what of a blast radius the caller sees."""
    return isinstance(actor, Token) and not any(pattern.everything for pattern in actor.resources)


def tried_in(radius: Mapping[str, Any]) -> frozenset[str]:
    """The keys of the flags and configs that it tells of."""
    tried = {key for result in radius["results"] for key in result["evaluations"]}
    sampled = {key for one in radius.get("sampled", ()) for key in one["keys"]}
    return frozenset((*radius["flips"], *tried, *sampled))


async def kinds_tried(uow: UnitOfWork, tried: Sequence[tuple[str, Collection[str]]]) -> dict[tuple[str, str], Kind]:
    """The kinds of what blast radii of projects tell of, by project and key."""
    keys = {key for _, keys in tried for key in keys}
    return await identities.kinds_of(uow.session, {project_id for project_id, _ in tried}, keys)


def radius_seen(
    actor: Actor, proposal: Proposal, radius: Mapping[str, Any], kinds: Mapping[tuple[str, str], Kind]
) -> dict[str, Any]:
    """The radius without what the caller, who sees some keys, does not see."""
    resources = actor.resources if isinstance(actor, Token) else ()

    def is_seen(key: str) -> bool:
        kind = kinds.get((proposal.project_id, key))
        return kind is not None and sees(resources, kind, key)

    return seen_by(radius, is_seen)


def _reads(actor: Actor) -> bool:
    return not isinstance(actor, Token) or Verb.READ in actor.actions


def proposed_version(proposal: Proposal) -> int | None:
    """The version of its environment that it rests on; None for a delete, which has one of each."""
    return None if proposal.environment_id is None else proposal.proposed_versions[proposal.environment_id]


def versions_seen(actor: Actor, proposal: Proposal) -> dict[str, int]:
    """The versions that the proposal rests on, of the environments that the caller reaches."""
    versions = proposal.proposed_versions
    if not isinstance(actor, Token):
        return versions
    return {one: versions[one] for one in versions if _reaches(actor, proposal, one)}


def source_seen(actor: Actor, proposal: Proposal) -> str | None:
    """The environment that a promotion takes over from, if the caller reaches it."""
    source_id = proposal.source_id
    reached = source_id is None or not isinstance(actor, Token) or _reaches(actor, proposal, source_id)
    return source_id if reached else None


def _reaches(token: Token, proposal: Proposal, environment_id: str) -> bool:
    scope = token.scope
    return scope.org or proposal.project_id in scope.projects or environment_id in scope.environments


def _reading(proposal: Proposal) -> Operation:
    """What reading it takes: a delete is the project's."""
    return Operation.READ_PRIMITIVE if proposal.environment_id is None else Operation.READ_STATE


def _entry_to(proposal: Proposal, operation: Operation, named: Named) -> Entry:
    proposed = proposals.proposed_by(proposal)
    if proposal.environment_id is None:
        return Entry.of_project(proposal.project_id, operation, named=named, proposed=proposed)
    return Entry.of_environment(proposal.environment_id, operation, named=named, proposed=proposed)
