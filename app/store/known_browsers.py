"""Queries for browsers that have signed in before."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import KnownBrowser, User


async def find(session: AsyncSession, browser_hash: str, email_key: str) -> KnownBrowser | None:
    """The browser, if the user with the email has signed in there."""
    query = (
        select(KnownBrowser)
        .join(User, col(User.id) == col(KnownBrowser.user_id))
        .where(col(KnownBrowser.browser_hash) == browser_hash, col(User.email_key) == email_key)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def sweep(session: AsyncSession, before: datetime) -> None:
    """Forgets browsers in which nobody has signed in since the instant."""
    await session.execute(delete(KnownBrowser).where(col(KnownBrowser.signed_in_at) < before))
