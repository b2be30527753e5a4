"""Queries for invitations."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Invitation, InvitationSecret, Org, User
from app.store.paging import Page, Window, page


class Invited(NamedTuple):
    """An invitation and where it leads."""

    invitation: Invitation
    org: Org


_INVITED = select(Invitation, Org).join(Org, col(Org.id) == col(Invitation.org_id))


async def by_secret(session: AsyncSession, secret_hash: str) -> Invited | None:
    """The invitation that the secret opens, accepted and expired ones included."""
    query = _INVITED.join(InvitationSecret, col(InvitationSecret.invitation_id) == col(Invitation.id)).where(
        col(InvitationSecret.secret_hash) == secret_hash
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else Invited(row[0], row[1])


async def by_id(session: AsyncSession, invitation_id: str) -> Invited | None:
    row = (await session.execute(_INVITED.where(col(Invitation.id) == invitation_id))).one_or_none()
    return None if row is None else Invited(row[0], row[1])


async def open_of_org(session: AsyncSession, org_id: str, email_key: str) -> Invitation | None:
    """The organisation's invitation of the email that nobody has accepted, expired or not."""
    query = select(Invitation).where(
        col(Invitation.org_id) == org_id, col(Invitation.email_key) == email_key, col(Invitation.accepted_at).is_(None)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def open_by(session: AsyncSession, org_id: str, user_id: str, at: datetime) -> Sequence[Invitation]:
    """The organisation's invitations that the user made and that can be accepted at the instant, oldest first."""
    query = select(Invitation).where(
        col(Invitation.org_id) == org_id, col(Invitation.accepted_at).is_(None), col(Invitation.expires_at) > at
    )
    found = (await session.execute(query.order_by(col(Invitation.id)))).scalars()
    return [one for one in found if one.invited_by["id"] == user_id]


async def list_of_org(session: AsyncSession, org_id: str, window: Window) -> Page[Invitation]:
    """The organisation's invitations that nobody has accepted, oldest first."""
    query = select(Invitation).where(col(Invitation.org_id) == org_id, col(Invitation.accepted_at).is_(None))
    return await page(session, query, col(Invitation.id), window, lambda row: row[0])


async def pending_for(session: AsyncSession, email_key: str, at: datetime) -> Sequence[Invited]:
    """The invitations that wait for the email, oldest first."""
    query = _INVITED.where(
        col(Invitation.email_key) == email_key,
        col(Invitation.accepted_at).is_(None),
        col(Invitation.expires_at) > at,
    ).order_by(col(Invitation.id))
    return [Invited(row[0], row[1]) for row in (await session.execute(query)).all()]


async def inviter_of(session: AsyncSession, org_id: str, user_id: str) -> str | None:
    """The id of whoever made the invitation by which the user came into the organisation."""
    query = (
        select(Invitation)
        .join(User, col(User.email_key) == col(Invitation.email_key))
        .where(col(Invitation.org_id) == org_id, col(User.id) == user_id, col(Invitation.accepted_at).is_not(None))
        .order_by(col(Invitation.accepted_at).desc())
    )
    found = (await session.execute(query.limit(1))).scalar_one_or_none()
    return None if found is None else str(found.invited_by["id"])
