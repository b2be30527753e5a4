"""Rows by id, many at once and within a person's tenancy: what GraphQL's loaders and `node` are made of."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import Role
from app.models import Environment, Membership, Org, Primitive, Project, State
from app.store.paging import AnySelect
from app.store.primitives import Current


class Seen(NamedTuple):
    """A row, the caller's role in its organisation, and where it stands."""

    row: Any
    role: Role
    project_id: str | None = None
    environment: Environment | None = None


async def orgs(session: AsyncSession, ids: Iterable[str], user_id: str) -> list[Seen]:
    """The organisations among `ids` that the user is a member of."""
    query = select(Org, col(Membership.role)).where(col(Org.id).in_(ids))
    rows = await session.execute(_of_member(query, user_id))
    return [Seen(row[0], row[1]) for row in rows.all()]


async def projects(session: AsyncSession, ids: Iterable[str], user_id: str) -> list[Seen]:
    """The projects among `ids` in the user's organisations."""
    query = (
        select(Project, col(Membership.role))
        .join(Org, col(Org.id) == col(Project.org_id))
        .where(col(Project.id).in_(ids))
    )
    rows = await session.execute(_of_member(query, user_id))
    return [Seen(row[0], row[1], row[0].id) for row in rows.all()]


async def environments(session: AsyncSession, ids: Iterable[str], user_id: str) -> list[Seen]:
    """The environments among `ids` in the user's organisations."""
    query = (
        select(Environment, col(Membership.role))
        .join(Project, col(Project.id) == col(Environment.project_id))
        .join(Org, col(Org.id) == col(Project.org_id))
        .where(col(Environment.id).in_(ids))
    )
    rows = await session.execute(_of_member(query, user_id))
    return [Seen(row[0], row[1], row[0].project_id, row[0]) for row in rows.all()]


async def primitives(session: AsyncSession, ids: Iterable[str], user_id: str) -> list[Seen]:
    """The live primitives among `ids` in the user's organisations."""
    query = (
        select(Primitive, col(Membership.role))
        .join(Project, col(Project.id) == col(Primitive.project_id))
        .join(Org, col(Org.id) == col(Project.org_id))
        .where(col(Primitive.id).in_(ids), col(Primitive.deleted_at).is_(None))
    )
    rows = await session.execute(_of_member(query, user_id))
    return [Seen(row[0], row[1], row[0].project_id) for row in rows.all()]


async def states(session: AsyncSession, ids: Iterable[str], user_id: str) -> list[Seen]:
    """The present states among `ids` in the user's organisations; each row is a `Current`."""
    return await _states(session, _STATES.where(col(State.id).in_(ids)), user_id)


async def states_of(session: AsyncSession, primitive_ids: Iterable[str], user_id: str) -> list[Seen]:
    """The present states of primitives in all environments, in the order of the environments' creation."""
    return await _states(session, _STATES.where(col(Primitive.id).in_(primitive_ids)), user_id)


_STATES = (
    select(Primitive, State, Environment, col(Membership.role))
    .join(State, col(State.primitive_id) == col(Primitive.id))
    .join(Environment, col(Environment.id) == col(State.environment_id))
    .join(Project, col(Project.id) == col(Primitive.project_id))
    .join(Org, col(Org.id) == col(Project.org_id))
    .where(col(State.to_version).is_(None))
    .order_by(col(Environment.id))
)


async def _states(session: AsyncSession, query: AnySelect, user_id: str) -> list[Seen]:
    rows = await session.execute(_of_member(query, user_id))
    return [Seen(Current(row[0], row[1]), row[3], row[0].project_id, row[2]) for row in rows.all()]


def _of_member(query: AnySelect, user_id: str) -> AnySelect:
    return query.join(Membership, col(Membership.org_id) == col(Org.id)).where(col(Membership.user_id) == user_id)
