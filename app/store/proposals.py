"""Queries for proposals and their reviews."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, exists, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased
from sqlmodel import col

from app.domain.actors import EnvironmentScope, Verb, roles_from
from app.domain.operations import Operation
from app.domain.policy import TABLE, Proposed
from app.domain.proposals import PROPOSABLE, ProposalStatus, Verdict
from app.engine.kinds import KeyRef, Kind
from app.models import (
    Environment,
    Membership,
    Org,
    Primitive,
    Proposal,
    ProposalContent,
    ProposalReview,
    ProposalTarget,
    User,
)
from app.models.proposals import PENDING
from app.store.identities import Within, covered
from app.store.paging import AnySelect, Page, Sort, Window, one_of, page, pages
from app.store.tenancy import Tenant, Tenanted

_HIDDEN = aliased(ProposalTarget)
OF_PRIMITIVE = col(ProposalTarget.primitive_id)
# As a parameter, SQLite would plan the query each time that it runs: the value decides whether a partial index serves.
_STORED_PENDING = col(Proposal.status) == literal_column(f"'{ProposalStatus.PENDING}'")
_NEWEST_FIRST: Sort[Proposal] = Sort(descending=True)
_REVIEWERS = roles_from(TABLE[Operation.REVIEW_PROPOSAL].role)
_OF_TENANT = Tenanted(select(Proposal).join(Org, col(Org.id) == col(Proposal.org_id)))
_BY_ID = Tenanted(
    select(Proposal).join(Org, col(Org.id) == col(Proposal.org_id)).where(col(Proposal.id) == bindparam("id"))
)


@dataclass(frozen=True, slots=True)
class Visible:
    """Which proposals of a list: those of the statuses at an instant, if some are asked for, as far as a token's scope
    and resources cover them; None and all kinds for people."""

    at: datetime
    statuses: Collection[ProposalStatus]
    scope: EnvironmentScope | None
    within: Within

    @property
    def limited(self) -> bool:
        """Whether there may be some that the caller's lists leave out."""
        some = [patterns for patterns in self.within.values() if patterns is not None]
        reaches_all = self.scope is None or self.scope.org
        return not reaches_all or any(all(one.text != "*" for one in patterns) for patterns in some)

    @property
    def condition(self) -> ColumnElement[bool]:
        seen = [_reached(self.scope)]
        if any(patterns is not None for patterns in self.within.values()):
            hidden = ~covered(self.within, (col(_HIDDEN.kind), col(_HIDDEN.key)))
            seen.append(~exists().where(col(_HIDDEN.proposal_id) == col(Proposal.id), hidden))
        if self.statuses:
            seen.append(or_(*(has_status(one, self.at) for one in self.statuses)))
        return and_(*seen)


def proposed_by(proposal: Proposal) -> Proposed:
    """What the policy asks of a proposal."""
    verb = TABLE[PROPOSABLE[proposal.kind].operation].verb
    return Proposed(proposal.proposer_id, proposal.person_id, verb if isinstance(verb, Verb) else Verb.WRITE)


async def find(session: AsyncSession, proposal_id: str, tenant: Tenant) -> Proposal | None:
    """The proposal, if it is the tenant's."""
    row = await _BY_ID.row(session, tenant, id=proposal_id)
    return None if row is None else row[0]


async def current(session: AsyncSession, proposal_id: str) -> Proposal | None:
    """The proposal as it is now."""
    return await session.get(Proposal, proposal_id, populate_existing=True)


async def same(session: AsyncSession, proposal: Proposal, at: datetime) -> Proposal | None:
    """The pending proposal by the same actor of the same change, of what is there still as it was."""
    query = select(Proposal).where(
        col(Proposal.project_id) == proposal.project_id,
        col(Proposal.fingerprint) == proposal.fingerprint,
        col(Proposal.proposer_id) == proposal.proposer_id,
        has_status(ProposalStatus.PENDING, at),
    )
    found = (await session.execute(query.order_by(col(Proposal.id)))).scalars()
    return next((one for one in found if one.proposed_versions == proposal.proposed_versions), None)


async def keys_of(session: AsyncSession, proposal_ids: Collection[str]) -> Mapping[str, Sequence[KeyRef]]:
    """What each proposal changes, by its id."""
    return await _keys(session, proposal_ids)


async def _keys(
    session: AsyncSession, proposal_ids: Collection[str], *conditions: ColumnElement[bool]
) -> Mapping[str, Sequence[KeyRef]]:
    of_target = col(ProposalTarget.proposal_id), col(ProposalTarget.kind), col(ProposalTarget.key)
    query = (
        select(*of_target)
        .join(Primitive, col(Primitive.id) == col(ProposalTarget.primitive_id))
        .where(of_target[0].in_(proposal_ids), *conditions)
        .order_by(*of_target)
    )
    found = defaultdict[str, list[KeyRef]](list)
    for proposal_id, kind, key in (await session.execute(query)).all():
        found[proposal_id].append(KeyRef(Kind(kind), key))
    return found


async def deleted_targets(session: AsyncSession, proposal_ids: Collection[str]) -> Mapping[str, Sequence[KeyRef]]:
    """What each proposal would change and was deleted, by its id, where there is any."""
    return await _keys(session, proposal_ids, col(Primitive.deleted_at).is_not(None))


async def end_targets(session: AsyncSession, proposal_ids: Collection[str]) -> None:
    """Nothing that the proposals would change waits for them any more."""
    query = update(ProposalTarget).where(col(ProposalTarget.proposal_id).in_(proposal_ids))
    await session.execute(query.values(pending=False))


async def contents(session: AsyncSession, proposal_ids: Collection[str]) -> dict[str, ProposalContent]:
    """What may be long of each proposal, by its id."""
    query = select(ProposalContent).where(col(ProposalContent.proposal_id).in_(proposal_ids))
    return {row.proposal_id: row for row in (await session.execute(query)).scalars()}


async def sizes(session: AsyncSession, proposal_ids: Collection[str]) -> dict[str, int]:
    """The bytes of each proposal's content, by its id."""
    query = select(col(ProposalContent.proposal_id), col(ProposalContent.size))
    found = await session.execute(query.where(col(ProposalContent.proposal_id).in_(proposal_ids)))
    return {row[0]: row[1] for row in found.all()}


async def list_of_tenant(session: AsyncSession, tenant: Tenant, visible: Visible, window: Window) -> Page[Proposal]:
    """The proposals of all the caller's organisations."""
    query = _OF_TENANT.of(tenant).where(visible.condition)
    return await page(session, query, col(Proposal.id), window, lambda row: row[0], _NEWEST_FIRST)


async def lists_below(
    session: AsyncSession, parent: Mapped[str], parent_ids: Collection[str], visible: Visible, window: Window
) -> Mapping[str, Page[Proposal]]:
    """For each organisation, project or primitive, by its id, its proposals; `parent` is the column of its id."""
    query, proposal_id = select(Proposal).where(visible.condition), col(Proposal.id)
    if parent is OF_PRIMITIVE:
        proposal_id = col(ProposalTarget.proposal_id)
        query = query.join(ProposalTarget, proposal_id == col(Proposal.id))
    return await pages(session, query, (parent, parent_ids), proposal_id, window, lambda row: row[0], _NEWEST_FIRST)


async def list_of_project(session: AsyncSession, project_id: str, visible: Visible, window: Window) -> Page[Proposal]:
    """The project's proposals, in whatever environment."""
    return (await lists_below(session, col(Proposal.project_id), [project_id], visible, window))[project_id]


async def lists_of_environments(
    session: AsyncSession, environments: Collection[Environment], visible: Visible, window: Window
) -> Mapping[str, Page[Proposal]]:
    """For each environment, by its id, its proposals, and those that delete something of its project.

    They are found among those of the project, which an index has in their order.
    """
    of_project = col(Proposal.project_id) == col(Environment.project_id)
    of_environment = func.coalesce(col(Proposal.environment_id), col(Environment.id)) == col(Environment.id)
    query = (
        select(Proposal)
        .join(Environment, and_(of_project, of_environment))
        .where(one_of(col(Proposal.project_id), {one.project_id for one in environments}), visible.condition)
    )
    parents = col(Environment.id), [one.id for one in environments]
    return await pages(session, query, parents, col(Proposal.id), window, lambda row: row[0], _NEWEST_FIRST)


async def required_approvals(session: AsyncSession, proposals: Sequence[Proposal]) -> dict[str, int]:
    """How many people must approve each proposal now, by its id: as many as its environment asks for, or, for a delete,
    as the project's protected environment that asks for most."""
    project_ids = {one.project_id for one in proposals}
    query = select(
        col(Environment.id),
        col(Environment.project_id),
        col(Environment.protected),
        col(Environment.required_approvals),
    ).where(col(Environment.project_id).in_(project_ids))
    of_environment: dict[str | None, int] = {}
    of_project = dict.fromkeys(project_ids, 1)
    for environment_id, project_id, protected, required in (await session.execute(query)).all():
        of_environment[environment_id] = required
        if protected:
            of_project[project_id] = max(of_project[project_id], required)
    return {one.id: of_environment.get(one.environment_id, of_project[one.project_id]) for one in proposals}


class LastReview(NamedTuple):
    """The last review of a proposal by a person, without the comment."""

    proposal_id: str
    reviewer_id: str
    reviewer: dict[str, Any]
    verdict: Verdict


async def last_reviews(session: AsyncSession, proposal_ids: Collection[str]) -> Mapping[str, Sequence[LastReview]]:
    """The last review by each person who may review still, and has not proposed it, by proposal."""
    of_proposals = col(ProposalReview.proposal_id).in_(proposal_ids)
    last = (
        select(func.max(col(ProposalReview.id)))
        .where(of_proposals)
        .group_by(col(ProposalReview.proposal_id), col(ProposalReview.reviewer_id))
    )
    query = (
        select(
            col(ProposalReview.proposal_id),
            col(ProposalReview.reviewer_id),
            col(ProposalReview.reviewer),
            col(ProposalReview.verdict),
        )
        .join(Proposal, col(Proposal.id) == col(ProposalReview.proposal_id))
        .join(
            Membership,
            and_(
                col(Membership.org_id) == col(Proposal.org_id),
                col(Membership.user_id) == col(ProposalReview.reviewer_id),
            ),
        )
        .join(User, col(User.id) == col(Membership.user_id))
        .where(
            col(ProposalReview.id).in_(last),
            col(ProposalReview.reviewer_id).not_in([col(Proposal.person_id), col(Proposal.proposer_id)]),
            col(Membership.role).in_(_REVIEWERS),
            col(User.deleted_at).is_(None),
        )
        .order_by(col(ProposalReview.id))
    )
    found = defaultdict[str, list[LastReview]](list)
    for row in (await session.execute(query)).all():
        found[row[0]].append(LastReview(*row))
    return {one: found[one] for one in proposal_ids}


async def counts_of_projects(session: AsyncSession, project_ids: Collection[str], visible: Visible) -> dict[str, int]:
    """How many proposals each project has, by its id."""
    query = (
        select(col(Proposal.project_id), func.count())
        .where(col(Proposal.project_id).in_(project_ids), visible.condition)
        .group_by(col(Proposal.project_id))
    )
    return {**dict.fromkeys(project_ids, 0), **{row[0]: row[1] for row in (await session.execute(query)).all()}}


async def count_of_tenant(session: AsyncSession, tenant: Tenant, visible: Visible) -> int:
    """How many proposals all the caller's organisations have."""
    query = _OF_TENANT.of(tenant).where(visible.condition).with_only_columns(func.count(), maintain_column_froms=True)
    return int((await session.execute(query)).scalar_one())


async def count_to_review(session: AsyncSession, user_id: str, at: datetime) -> int:
    """How many pending proposals by others there are that the user may review, and has not reviewed."""
    reviewed = exists().where(
        col(ProposalReview.proposal_id) == col(Proposal.id), col(ProposalReview.reviewer_id) == user_id
    )
    query = (
        select(func.count(col(Proposal.id)))
        .join(Membership, col(Membership.org_id) == col(Proposal.org_id))
        .where(
            col(Membership.user_id) == user_id,
            col(Membership.role).in_(_REVIEWERS),
            has_status(ProposalStatus.PENDING, at),
            col(Proposal.person_id) != user_id,
            ~reviewed,
        )
    )
    return (await session.execute(query)).scalar_one()


async def lists_of_reviews(
    session: AsyncSession, proposal_ids: Collection[str], window: Window
) -> Mapping[str, Page[ProposalReview]]:
    """For each proposal, by its id, all its reviews, oldest first."""
    parents = col(ProposalReview.proposal_id), proposal_ids
    return await pages(session, select(ProposalReview), parents, col(ProposalReview.id), window, lambda row: row[0])


async def count_reviews(session: AsyncSession, proposal_id: str, reviewer_id: str) -> int:
    """How often the person has reviewed the proposal."""
    query = select(func.count(col(ProposalReview.id))).where(
        col(ProposalReview.proposal_id) == proposal_id, col(ProposalReview.reviewer_id) == reviewer_id
    )
    return (await session.execute(query)).scalar_one()


async def past_their_time(session: AsyncSession, at: datetime, most: int) -> Sequence[Proposal]:
    """Proposals that are stored as pending, and whose time is over."""
    query = select(Proposal).where(PENDING, col(Proposal.expires_at) <= at)
    locked = query.order_by(col(Proposal.expires_at)).limit(most).with_for_update(skip_locked=True)
    return (await session.execute(locked)).scalars().all()


def has_status(status: ProposalStatus, at: datetime | BindParameter[Any]) -> ColumnElement[bool]:
    """The condition for what `status_at` says."""
    stored, expires_at = col(Proposal.status), col(Proposal.expires_at)
    match status:
        case ProposalStatus.PENDING:
            return and_(_STORED_PENDING, expires_at > at)
        case ProposalStatus.EXPIRED:
            return or_(stored == status, and_(_STORED_PENDING, expires_at <= at))
    return stored == status


def _reached(scope: EnvironmentScope | None) -> ColumnElement[bool]:
    """The condition for what a token's environments reach: a delete, if one of its project's is among them."""
    if scope is None or scope.org:
        return col(Proposal.id).is_not(None)
    any_of_project = (
        select(col(Environment.id))
        .where(col(Environment.project_id) == col(Proposal.project_id), col(Environment.id).in_(scope.environments))
        .correlate(Proposal)  # and not with an environment that the list is of
        .exists()
    )
    return or_(
        col(Proposal.project_id).in_(scope.projects),
        col(Proposal.environment_id).in_(scope.environments),
        and_(col(Proposal.environment_id).is_(None), any_of_project),
    )


def waiting_in(environments: Collection[Environment], visible: Visible) -> AnySelect:
    """The query for what proposals wait for in the environments: the environment's id and the primitive's."""
    project_ids = {environment.project_id for environment in environments}
    of_environment = or_(
        col(Proposal.environment_id) == col(Environment.id),
        and_(col(Proposal.environment_id).is_(None), col(Proposal.project_id) == col(Environment.project_id)),
    )
    return (
        select(col(Environment.id), OF_PRIMITIVE)
        .select_from(Proposal)
        .join(Environment, of_environment)
        .join(ProposalTarget, col(ProposalTarget.proposal_id) == col(Proposal.id))
        .where(
            one_of(col(Proposal.project_id), project_ids),
            col(ProposalTarget.pending),
            visible.condition,
            col(Environment.id).in_([environment.id for environment in environments]),
        )
    )
