"""Queries for projects."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Membership, Org, Project
from app.store.paging import Page, Window, page


async def for_member(session: AsyncSession, project_id: str, user_id: str) -> tuple[Project, Org, Membership] | None:
    """The project, its organisation and the user's membership there; None when there is no such row."""
    query = (
        select(Project, Org, Membership)
        .join(Org, col(Org.id) == col(Project.org_id))
        .join(Membership, col(Membership.org_id) == col(Org.id))
        .where(col(Project.id) == project_id, col(Membership.user_id) == user_id)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def by_key(session: AsyncSession, org_id: str, key: str) -> Project | None:
    """The organisation's project of the key."""
    query = select(Project).where(col(Project.org_id) == org_id, col(Project.key) == key)
    return (await session.execute(query)).scalar_one_or_none()


async def list_of_org(session: AsyncSession, org_id: str, key: str | None, window: Window) -> Page[Project]:
    """The organisation's projects, or the one of `key`."""
    query = select(Project).where(col(Project.org_id) == org_id)
    if key is not None:
        query = query.where(col(Project.key) == key)
    return await page(session, query, col(Project.id), window, lambda row: row[0])


async def ids_of_org(session: AsyncSession, org_id: str) -> Sequence[str]:
    """The ids of the organisation's projects."""
    return (await session.execute(select(col(Project.id)).where(col(Project.org_id) == org_id))).scalars().all()


async def all_of_org(session: AsyncSession, org_id: str) -> Sequence[Project]:
    """All projects of the organisation, in the order of their creation."""
    query = select(Project).where(col(Project.org_id) == org_id).order_by(col(Project.id))
    return (await session.execute(query)).scalars().all()
