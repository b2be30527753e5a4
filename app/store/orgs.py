"""Queries for organisations."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Membership, Org
from app.store.paging import Page, Window, page


async def by_slug(session: AsyncSession, slug: str) -> Org | None:
    """The organisation of the slug, whoever asks."""
    return (await session.execute(select(Org).where(col(Org.slug) == slug))).scalar_one_or_none()


async def for_member(session: AsyncSession, slug: str, user_id: str) -> tuple[Org, Membership] | None:
    """The organisation and the user's membership in it; None when there is no such pair."""
    query = (
        select(Org, Membership)
        .join(Membership, col(Membership.org_id) == col(Org.id))
        .where(col(Org.slug) == slug, col(Membership.user_id) == user_id)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def list_for_user(session: AsyncSession, user_id: str, window: Window) -> Page[Org]:
    """The organisations that the user is a member of, in the order of their creation."""
    query = (
        select(Org).join(Membership, col(Membership.org_id) == col(Org.id)).where(col(Membership.user_id) == user_id)
    )
    return await page(session, query, col(Org.id), window, lambda row: row[0])
