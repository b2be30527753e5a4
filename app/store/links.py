"""Queries for sign-in links."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import MagicLink


async def by_secret(session: AsyncSession, secret_hash: str) -> MagicLink | None:
    """The link of the secret, used and expired ones included."""
    query = select(MagicLink).where(col(MagicLink.secret_hash) == secret_hash)
    return (await session.execute(query)).scalar_one_or_none()


async def sweep(session: AsyncSession, before: datetime) -> None:
    """Deletes links that expired before the instant."""
    await session.execute(delete(MagicLink).where(col(MagicLink.expires_at) < before))
