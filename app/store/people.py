"""Queries for users, sessions and memberships."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import MagicLink, Membership, Org, Session, User


def email_key(email: str) -> str:
    """What emails are compared by: without case, and composed and decomposed letters alike."""
    return unicodedata.normalize("NFKC", email).casefold()


async def live_session(session: AsyncSession, secret_hash: str, at: datetime) -> tuple[Session, User] | None:
    """The session of the secret and its user, unless it has expired by `at` or the user is gone."""
    query = (
        select(Session, User)
        .join(User, col(User.id) == col(Session.user_id))
        .where(
            col(Session.secret_hash) == secret_hash,
            col(Session.expires_at) > at,
            col(User.deleted_at).is_(None),
        )
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def end_session(session: AsyncSession, session_id: str) -> None:
    """Deletes the session; nothing happens when it is gone."""
    await session.execute(delete(Session).where(col(Session.id) == session_id))


async def link(session: AsyncSession, secret_hash: str) -> tuple[MagicLink, User] | None:
    """The sign-in link of the secret and whom it signs in, used and expired ones included."""
    query = (
        select(MagicLink, User)
        .join(User, col(User.id) == col(MagicLink.user_id))
        .where(col(MagicLink.secret_hash) == secret_hash, col(User.deleted_at).is_(None))
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def user_by_email(session: AsyncSession, email_key: str) -> User | None:
    """The user whose email compares equal, deleted ones included."""
    return (await session.execute(select(User).where(col(User.email_key) == email_key))).scalar_one_or_none()


async def user(session: AsyncSession, user_id: str) -> User:
    """The user of an id that is known to exist."""
    return await session.get_one(User, user_id)


async def memberships(session: AsyncSession, user_id: str) -> Sequence[tuple[Org, Membership]]:
    """The user's organisations with the membership in each, oldest membership first."""
    query = (
        select(Org, Membership)
        .join(Membership, col(Membership.org_id) == col(Org.id))
        .where(col(Membership.user_id) == user_id)
        .order_by(col(Membership.id))
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def slide_session(session: AsyncSession, session_id: str, seen: datetime, expires: datetime) -> None:
    """Moves the end of a session that is in use."""
    query = update(Session).where(col(Session.id) == session_id)
    await session.execute(query.values(last_seen_at=seen, expires_at=expires))
