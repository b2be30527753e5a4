"""Queries for the news of proposals, and for who is to hear of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, delete, distinct, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.domain.actors import roles_from
from app.domain.news import NewsEvent
from app.domain.operations import Operation
from app.domain.policy import TABLE
from app.domain.proposals import ProposalStatus
from app.models import (
    Environment,
    Membership,
    NewsRecipient,
    Org,
    Project,
    Proposal,
    ProposalNews,
    ProposalReview,
    QueuedMail,
    User,
)
from app.store import environments

_REVIEWERS = roles_from(TABLE[Operation.REVIEW_PROPOSAL].role)
_LATER = aliased(ProposalReview)
_SOURCE = aliased(Environment)


async def is_protected(session: AsyncSession, proposal: Proposal) -> bool:
    """Whether the proposal's environment is protected; of a delete, one of those of its project."""
    if proposal.environment_id is None:
        return await environments.any_protected(session, proposal.project_id)
    query = select(col(Environment.protected)).where(col(Environment.id) == proposal.environment_id)
    return (await session.execute(query)).scalar_one()


async def next_to_spread(session: AsyncSession) -> tuple[ProposalNews, Proposal] | None:
    """The oldest of which not all are known who are to hear of it."""
    query = (
        select(ProposalNews, Proposal)
        .join(Proposal, col(Proposal.id) == col(ProposalNews.proposal_id))
        .where(~col(ProposalNews.spread))
        .order_by(col(ProposalNews.id))
        .limit(1)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def reviewers(session: AsyncSession, org_id: str, after: str, limit: int) -> Sequence[tuple[str, User]]:
    """Some of the organisation's members who may review and whose mailbox is proven, each after the id of their
    membership, behind which the next ones are found."""
    query = _members(org_id).where(col(Membership.role).in_(_REVIEWERS), col(Membership.id) > after)
    rows = await session.execute(query.order_by(col(Membership.id)).limit(limit))
    return [(membership_id, user) for membership_id, user in rows.all()]


async def member(session: AsyncSession, org_id: str, user_id: str) -> Sequence[tuple[str, User]]:
    """The same of one member, whatever their role; empty where they are none."""
    rows = await session.execute(_members(org_id).where(col(User.id) == user_id))
    return [(membership_id, user) for membership_id, user in rows.all()]


def _members(org_id: str) -> Select[str, User]:
    return (
        select(col(Membership.id), User)
        .join(User, col(User.id) == col(Membership.user_id))
        .where(
            col(Membership.org_id) == org_id, col(User.deleted_at).is_(None), col(User.email_verified_at).is_not(None)
        )
    )


async def recipients(session: AsyncSession, news_id: str, user_ids: Collection[str]) -> set[str]:
    """Which of the users are to hear of it already."""
    query = select(col(NewsRecipient.user_id)).where(
        col(NewsRecipient.news_id) == news_id, col(NewsRecipient.user_id).in_(user_ids)
    )
    return set((await session.execute(query)).scalars())


async def users_with_mail(session: AsyncSession, user_ids: Collection[str]) -> set[str]:
    """Which of the users have a mail of news in the queue."""
    query = select(col(QueuedMail.user_id)).where(
        col(QueuedMail.user_id).in_(user_ids), col(QueuedMail.given_up_at).is_(None)
    )
    return {user_id for user_id in (await session.execute(query)).scalars() if user_id is not None}


async def hand_over(session: AsyncSession, user_id: str, attempt: int) -> None:
    """Gives all that waits for the user to the attempt, and deletes what an earlier one neither sent nor gave back."""
    theirs = col(NewsRecipient.user_id) == user_id
    await session.execute(delete(NewsRecipient).where(theirs, col(NewsRecipient.attempt) != 0))
    await session.execute(update(NewsRecipient).where(theirs).values(attempt=attempt))


async def give_back(session: AsyncSession, user_id: str, attempt: int) -> None:
    """Lets what was handed to the attempt wait again."""
    handed = col(NewsRecipient.user_id) == user_id, col(NewsRecipient.attempt) == attempt
    await session.execute(update(NewsRecipient).where(*handed).values(attempt=0))


async def forget(session: AsyncSession, user_id: str, *, waiting: bool) -> None:
    """Deletes what was handed over for the user; what is `waiting`, too, if that is so."""
    query = delete(NewsRecipient).where(col(NewsRecipient.user_id) == user_id)
    await session.execute(query if waiting else query.where(col(NewsRecipient.attempt) != 0))


async def any_waits(session: AsyncSession, user_id: str) -> bool:
    query = select(col(NewsRecipient.news_id)).where(col(NewsRecipient.user_id) == user_id)
    return (await session.execute(query.limit(1))).first() is not None


async def note_mailed(session: AsyncSession, user_id: str, at: datetime) -> None:
    """The instant of the last mail of news to the user."""
    await session.execute(update(User).where(col(User.id) == user_id).values(news_mailed_at=at))


async def sweep(session: AsyncSession, before: datetime) -> None:
    """Deletes what is older than the instant, and of which nobody is to hear any more."""
    waited_for = exists().where(col(NewsRecipient.news_id) == col(ProposalNews.id))
    done = col(ProposalNews.spread), col(ProposalNews.created_at) < before, ~waited_for
    await session.execute(delete(ProposalNews).where(*done))


class NewsItem(NamedTuple):
    """One piece of news in a mail: what happened to which proposal, and where that is."""

    event: NewsEvent
    proposal: Proposal
    org: Org
    project: Project
    environment: Environment | None
    source: Environment | None
    review: ProposalReview | None
    comment: str | None


class Extent(NamedTuple):
    """How much there is to tell in all."""

    news: int
    proposals: int
    orgs: int


async def items(
    session: AsyncSession, user_id: str, wanted: Collection[NewsEvent], at: datetime, limit: int
) -> tuple[Sequence[NewsItem], Extent]:
    """The oldest of what was handed over for the user and still concerns them, and how much that is in all."""
    concerning = user_id, wanted, at
    columns = (
        col(ProposalNews.event),
        Proposal,
        Org,
        Project,
        Environment,
        _SOURCE,
        ProposalReview,
        col(ProposalNews.comment),
    )
    rows = await session.execute(_concerning(concerning, *columns).order_by(col(ProposalNews.id)).limit(limit))
    counts = func.count(), func.count(distinct(col(Proposal.id))), func.count(distinct(col(Org.id)))
    extent = (await session.execute(_concerning(concerning, *counts))).one()
    return [NewsItem(*row) for row in rows.all()], Extent(*extent)


def _concerning(concerning: tuple[str, Collection[NewsEvent], datetime], *columns: Any) -> Select[*tuple[Any, ...]]:
    """Of what was handed over, that which the user wants, and could still use at the instant."""
    user_id, wanted, at = concerning
    happened, status = col(ProposalNews.event), col(Proposal.status)
    can_be_reviewed = and_(
        status == ProposalStatus.PENDING, col(Proposal.expires_at) > at, col(Membership.role).in_(_REVIEWERS)
    )
    last_word = ~exists().where(
        col(_LATER.proposal_id) == col(Proposal.id),
        col(_LATER.reviewer_id) == col(ProposalReview.reviewer_id),
        col(_LATER.id) > col(ProposalReview.id),
    )
    return (
        select(*columns)
        .select_from(NewsRecipient)
        .join(ProposalNews, col(ProposalNews.id) == col(NewsRecipient.news_id))
        .join(Proposal, col(Proposal.id) == col(ProposalNews.proposal_id))
        .join(Org, col(Org.id) == col(Proposal.org_id))
        .join(Project, col(Project.id) == col(Proposal.project_id))
        .outerjoin(Environment, col(Environment.id) == col(Proposal.environment_id))
        .outerjoin(_SOURCE, col(_SOURCE.id) == col(Proposal.source_id))
        .outerjoin(ProposalReview, col(ProposalReview.id) == col(ProposalNews.review_id))
        .join(
            Membership,
            and_(col(Membership.org_id) == col(Proposal.org_id), col(Membership.user_id) == col(NewsRecipient.user_id)),
        )
        .where(
            col(NewsRecipient.user_id) == user_id,
            col(NewsRecipient.attempt) != 0,
            happened.in_(wanted),
            or_(
                and_(happened == NewsEvent.PROPOSED, can_be_reviewed),
                and_(happened == NewsEvent.REVIEWED, col(ProposalReview.id).is_not(None), last_word),
                and_(happened == NewsEvent.APPLIED, status == ProposalStatus.APPLIED),
                and_(happened == NewsEvent.CANCELLED, status == ProposalStatus.CANCELLED),
            ),
        )
    )
