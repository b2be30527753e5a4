"""How much there is of what is limited in number."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.proposals import ProposalStatus
from app.models import (
    ApiKey,
    AuditEvent,
    Environment,
    Invitation,
    Membership,
    Org,
    Primitive,
    Project,
    Proposal,
    ProposalContent,
    User,
)
from app.models.audit import FOUNDED
from app.store.proposals import has_status


async def projects(session: AsyncSession, org_id: str, _: datetime) -> int:
    return await _count(session, col(Project.id), col(Project.org_id) == org_id)


async def members(session: AsyncSession, org_id: str, _: datetime) -> int:
    return await _count(
        session,
        col(Membership.id),
        col(Membership.org_id) == org_id,
        col(User.id) == col(Membership.user_id),
        col(User.deleted_at).is_(None),
    )


async def live_tokens(session: AsyncSession, org_id: str, at: datetime) -> int:
    live = col(ApiKey.expires_at).is_(None) | (col(ApiKey.expires_at) > at)
    return await _count(session, col(ApiKey.id), col(ApiKey.org_id) == org_id, live)


async def open_invitations(session: AsyncSession, org_id: str, at: datetime) -> int:
    waiting = col(Invitation.accepted_at).is_(None), col(Invitation.expires_at) > at
    return await _count(session, col(Invitation.id), col(Invitation.org_id) == org_id, *waiting)


async def environments(session: AsyncSession, project_id: str, _: datetime) -> int:
    return await _count(session, col(Environment.id), col(Environment.project_id) == project_id)


async def primitives(session: AsyncSession, project_id: str, _: datetime) -> int:
    live = col(Primitive.deleted_at).is_(None)
    return await _count(session, col(Primitive.id), col(Primitive.project_id) == project_id, live)


async def pending_proposals(session: AsyncSession, project_id: str, at: datetime) -> int:
    waiting = has_status(ProposalStatus.PENDING, at)
    return await _count(session, col(Proposal.id), col(Proposal.project_id) == project_id, waiting)


async def bytes_of_pending_proposals(session: AsyncSession, project_id: str, at: datetime) -> int:
    query = (
        select(func.coalesce(func.sum(col(ProposalContent.size)), 0))
        .join(Proposal, col(Proposal.id) == col(ProposalContent.proposal_id))
        .where(col(Proposal.project_id) == project_id, has_status(ProposalStatus.PENDING, at))
    )
    return int((await session.execute(query)).scalar_one())


async def orgs_founded(session: AsyncSession, user_id: str, _: datetime) -> int:
    """Those that are still there, whoever owns them now."""
    return await _count(
        session,
        col(Org.id),
        col(AuditEvent.org_id) == col(Org.id),
        col(AuditEvent.actor_id) == user_id,
        FOUNDED,
    )


async def _count(session: AsyncSession, counted: Any, *conditions: Any) -> int:
    return (await session.execute(select(func.count(counted)).where(*conditions))).scalar_one()
