"""Queries for environments."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Environment, Membership, Org, Project
from app.store.paging import Page, Window, page


async def for_member(
    session: AsyncSession, environment_id: str, user_id: str
) -> tuple[Environment, Project, Org, Membership] | None:
    """The environment with its project and organisation, and the user's membership there."""
    query = (
        select(Environment, Project, Org, Membership)
        .join(Project, col(Project.id) == col(Environment.project_id))
        .join(Org, col(Org.id) == col(Project.org_id))
        .join(Membership, col(Membership.org_id) == col(Org.id))
        .where(col(Environment.id) == environment_id, col(Membership.user_id) == user_id)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1], row[2], row[3])


async def by_key(session: AsyncSession, project_id: str, key: str) -> Environment | None:
    """The project's environment of the key."""
    query = select(Environment).where(col(Environment.project_id) == project_id, col(Environment.key) == key)
    return (await session.execute(query)).scalar_one_or_none()


async def all_of_project(session: AsyncSession, project_id: str) -> Sequence[Environment]:
    """All environments of the project, in the order of their creation."""
    query = select(Environment).where(col(Environment.project_id) == project_id).order_by(col(Environment.id))
    return (await session.execute(query)).scalars().all()


async def ids_of_project(session: AsyncSession, project_id: str) -> Sequence[str]:
    """The ids of the project's environments."""
    query = select(col(Environment.id)).where(col(Environment.project_id) == project_id)
    return (await session.execute(query)).scalars().all()


async def ids_of_org(session: AsyncSession, org_id: str) -> Sequence[str]:
    """The ids of all environments of the organisation."""
    query = (
        select(col(Environment.id))
        .join(Project, col(Project.id) == col(Environment.project_id))
        .where(col(Project.org_id) == org_id)
    )
    return (await session.execute(query)).scalars().all()


async def any_protected(session: AsyncSession, project_id: str) -> bool:
    """Whether one of the project's environments is protected."""
    query = select(col(Environment.id)).where(
        col(Environment.project_id) == project_id, col(Environment.protected).is_(True)
    )
    return (await session.execute(query.limit(1))).first() is not None


async def any_protected_of_org(session: AsyncSession, org_id: str) -> bool:
    """Whether one of the organisation's environments is protected."""
    query = (
        select(col(Environment.id))
        .join(Project, col(Project.id) == col(Environment.project_id))
        .where(col(Project.org_id) == org_id, col(Environment.protected).is_(True))
    )
    return (await session.execute(query.limit(1))).first() is not None


async def list_of_project(session: AsyncSession, project_id: str, key: str | None, window: Window) -> Page[Environment]:
    """The project's environments, or the one of `key`."""
    query = select(Environment).where(col(Environment.project_id) == project_id)
    if key is not None:
        query = query.where(col(Environment.key) == key)
    return await page(session, query, col(Environment.id), window, lambda row: row[0])
