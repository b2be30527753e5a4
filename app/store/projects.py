"""Queries for projects."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import EnvironmentScope
from app.models import Environment, Project
from app.store.paging import Page, Window, pages


async def by_key(session: AsyncSession, org_id: str, key: str) -> Project | None:
    """The organisation's project of the key."""
    query = select(Project).where(col(Project.org_id) == org_id, col(Project.key) == key)
    return (await session.execute(query)).scalar_one_or_none()


async def list_of_org(
    session: AsyncSession, org_id: str, key: str | None, window: Window, scope: EnvironmentScope | None = None
) -> Page[Project]:
    """The organisation's projects, or the one of `key`; those only of which the scope covers an environment."""
    return (await lists_of_orgs(session, [org_id], key, window, scope))[org_id]


async def lists_of_orgs(
    session: AsyncSession,
    org_ids: Collection[str],
    key: str | None,
    window: Window,
    scope: EnvironmentScope | None = None,
) -> Mapping[str, Page[Project]]:
    """For each of the organisations, by id, what `list_of_org` gives."""
    query = select(Project)
    if scope is not None and not scope.org:
        covered = select(col(Environment.project_id)).where(col(Environment.id).in_(scope.environments))
        query = query.where(col(Project.id).in_(scope.projects) | col(Project.id).in_(covered))
    if key is not None:
        query = query.where(col(Project.key) == key)
    parents = col(Project.org_id), org_ids
    return await pages(session, query, parents, col(Project.id), window, lambda row: row[0])


async def ids_of_org(session: AsyncSession, org_id: str) -> Sequence[str]:
    """The ids of the organisation's projects."""
    return (await session.execute(select(col(Project.id)).where(col(Project.org_id) == org_id))).scalars().all()


async def all_of_org(session: AsyncSession, org_id: str) -> Sequence[Project]:
    """All projects of the organisation, in the order of their creation."""
    query = select(Project).where(col(Project.org_id) == org_id).order_by(col(Project.id))
    return (await session.execute(query)).scalars().all()
