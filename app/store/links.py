"""Queries for sign-in links."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import MagicLink


async def by_secret(session: AsyncSession, secret_hash: str) -> MagicLink | None:
    """The link of the secret, used and expired ones included."""
    query = select(MagicLink).where(col(MagicLink.secret_hash) == secret_hash)
    return (await session.execute(query)).scalar_one_or_none()


async def end_all(session: AsyncSession, email_key: str, at: datetime) -> None:
    """Lets the email's unused links expire, if they have not at the instant.

    As of when they were made: for a transaction that waits meanwhile, and has begun before, they must be over as well.
    """
    query = update(MagicLink).where(
        col(MagicLink.email_key) == email_key,
        col(MagicLink.used_at).is_(None),
        col(MagicLink.expires_at) > at,
    )
    await session.execute(query.values(expires_at=col(MagicLink.created_at)))


async def of_email(session: AsyncSession, email_key: str, after: datetime) -> Sequence[MagicLink]:
    """The email's links that were made after the instant, newest first."""
    query = select(MagicLink).where(col(MagicLink.email_key) == email_key, col(MagicLink.created_at) > after)
    return (await session.execute(query.order_by(col(MagicLink.id).desc()))).scalars().all()


async def sweep(session: AsyncSession, before: datetime) -> None:
    """Deletes links that expired before the instant."""
    await session.execute(delete(MagicLink).where(col(MagicLink.expires_at) < before))
