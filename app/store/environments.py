"""Queries for environments."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import EnvironmentScope
from app.models import Environment, Project
from app.store.paging import Page, Sort, Window, pages

_IN_THEIR_ORDER: Sort[Environment] = Sort(col(Environment.position), lambda environment: environment.position)


async def by_key(session: AsyncSession, project_id: str, key: str) -> Environment | None:
    """The project's environment of the key."""
    query = select(Environment).where(col(Environment.project_id) == project_id, col(Environment.key) == key)
    return (await session.execute(query)).scalar_one_or_none()


async def of_id(session: AsyncSession, environment_id: str) -> Environment:
    """The environment, which is there."""
    return await session.get_one(Environment, environment_id)


async def all_of_project(session: AsyncSession, project_id: str) -> Sequence[Environment]:
    """All environments of the project, in the order of their creation."""
    query = select(Environment).where(col(Environment.project_id) == project_id).order_by(col(Environment.id))
    return (await session.execute(query)).scalars().all()


async def all_of_projects(session: AsyncSession, project_ids: Collection[str]) -> Mapping[str, Sequence[Environment]]:
    """For each project, by its id, what `all_of_project` gives."""
    query = select(Environment).where(col(Environment.project_id).in_(project_ids)).order_by(col(Environment.id))
    found: dict[str, list[Environment]] = {one: [] for one in project_ids}
    for environment in (await session.execute(query)).scalars():
        found[environment.project_id].append(environment)
    return found


async def last_position(session: AsyncSession, project_id: str) -> int:
    """The highest position of the project's environments, behind which a new one comes."""
    query = select(func.max(col(Environment.position))).where(col(Environment.project_id) == project_id)
    return (await session.execute(query)).scalar_one() or 0


async def created_at(session: AsyncSession, ids: Collection[str]) -> dict[str, datetime]:
    """When the environments were created, by id."""
    query = select(col(Environment.id), col(Environment.created_at)).where(col(Environment.id).in_(ids))
    return {row[0]: row[1] for row in await session.execute(query)}


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


async def list_of_project(
    session: AsyncSession, project_id: str, key: str | None, window: Window, scope: EnvironmentScope | None = None
) -> Page[Environment]:
    """The project's environments in their order, or the one of `key`; those only that the scope covers."""
    return (await lists_of_projects(session, [project_id], key, window, scope))[project_id]


async def lists_of_projects(
    session: AsyncSession,
    project_ids: Collection[str],
    key: str | None,
    window: Window,
    scope: EnvironmentScope | None = None,
) -> Mapping[str, Page[Environment]]:
    """For each of the projects, by id, what `list_of_project` gives."""
    query = select(Environment).where(covered(scope))
    if key is not None:
        query = query.where(col(Environment.key) == key)
    parents = col(Environment.project_id), project_ids
    return await pages(session, query, parents, col(Environment.id), window, lambda row: row[0], _IN_THEIR_ORDER)


def covered(scope: EnvironmentScope | None) -> ColumnElement[bool]:
    """The condition for environments that a token's scope covers; None covers all."""
    if scope is None or scope.org:
        return true()
    return col(Environment.project_id).in_(scope.projects) | col(Environment.id).in_(scope.environments)
