"""Rows by id, many at once and within a caller's tenancy: what GraphQL's loaders and `node` are made of."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.domain.actors import Role
from app.models import ApiKey, Environment, Invitation, Membership, Org, Primitive, Project, State, User
from app.store.members import Member
from app.store.primitives import Current
from app.store.tenancy import Tenant, Tenanted


class Seen(NamedTuple):
    """A row, the caller's role in its organisation (None for tokens), and where it stands."""

    row: Any
    role: Role | None
    project_id: str | None = None
    environment: Environment | None = None


class ChildPage(NamedTuple):
    """An environment, in few words."""

    id: str
    project_id: str
    org_id: str
    protected: bool


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_MEMBERSHIP = aliased(Membership)  # beside the caller's own
_STATES = (
    select(Primitive, State, Environment)
    .join(State, col(State.primitive_id) == col(Primitive.id))
    .join(Environment, col(Environment.id) == col(State.environment_id))
    .join(Project, col(Project.id) == col(Primitive.project_id))
    .join(Org, col(Org.id) == col(Project.org_id))
    .where(col(State.to_version).is_(None))
    .order_by(col(Environment.id))
)
_ORGS = Tenanted(select(Org).where(col(Org.id).in_(_IDS)))
_PROJECTS = Tenanted(select(Project).join(Org, col(Org.id) == col(Project.org_id)).where(col(Project.id).in_(_IDS)))
_ENVIRONMENTS = Tenanted(
    select(Environment)
    .join(Project, col(Project.id) == col(Environment.project_id))
    .join(Org, col(Org.id) == col(Project.org_id))
    .where(col(Environment.id).in_(_IDS))
)
_MEMBERS = Tenanted(
    select(_MEMBERSHIP, User)
    .join(User, col(User.id) == col(_MEMBERSHIP.user_id))
    .join(Org, col(Org.id) == col(_MEMBERSHIP.org_id))
    .where(col(_MEMBERSHIP.id).in_(_IDS), col(User.deleted_at).is_(None))
)
_INVITATIONS = Tenanted(
    select(Invitation)
    .join(Org, col(Org.id) == col(Invitation.org_id))
    .where(col(Invitation.id).in_(_IDS), col(Invitation.accepted_at).is_(None))
)
_PRIMITIVES = Tenanted(
    select(Primitive)
    .join(Project, col(Project.id) == col(Primitive.project_id))
    .join(Org, col(Org.id) == col(Project.org_id))
    .where(col(Primitive.id).in_(_IDS), col(Primitive.deleted_at).is_(None))
)
_STATES_BY_ID = Tenanted(_STATES.where(col(State.id).in_(_IDS)))
_STATES_OF = Tenanted(_STATES.where(col(Primitive.id).in_(_IDS)))
_API_KEYS = Tenanted(select(ApiKey).join(Org, col(Org.id) == col(ApiKey.org_id)).where(col(ApiKey.id).in_(_IDS)))


async def orgs(session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen]:
    """The tenant's organisations among `ids`."""
    return [Seen(row[0], row[1]) for row in await _ORGS.rows(session, tenant, ids=list(ids))]


async def projects(session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen]:
    """The tenant's projects among `ids`."""
    return [Seen(row[0], row[1], row[0].id) for row in await _PROJECTS.rows(session, tenant, ids=list(ids))]


async def environments(session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen]:
    """The tenant's environments among `ids`."""
    rows = await _ENVIRONMENTS.rows(session, tenant, ids=list(ids))
    return [Seen(row[0], row[1], row[0].project_id, row[0]) for row in rows]


async def members(session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen]:
    """The memberships among `ids` in the tenant's organisations; each row is a `Member`."""
    return [Seen(Member(row[0], row[1]), row[2]) for row in await _MEMBERS.rows(session, tenant, ids=list(ids))]


async def invitations(session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen]:
    """The invitations among `ids` that nobody has accepted, in the tenant's organisations."""
    return [Seen(row[0], row[1]) for row in await _INVITATIONS.rows(session, tenant, ids=list(ids))]


async def primitives(session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen]:
    """The tenant's live primitives among `ids`."""
    rows = await _PRIMITIVES.rows(session, tenant, ids=list(ids))
    return [Seen(row[0], row[1], row[0].project_id) for row in rows]


async def states(session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen]:
    """The tenant's present states among `ids`; each row is a `Current`."""
    return list(map(_state, await _STATES_BY_ID.rows(session, tenant, ids=list(ids))))


async def states_of(session: AsyncSession, primitive_ids: Iterable[str], tenant: Tenant) -> list[Seen]:
    """The present states of primitives in all environments, in the order of the environments' creation."""
    return list(map(_state, await _STATES_OF.rows(session, tenant, ids=list(primitive_ids))))


async def api_keys(session: AsyncSession, ids: Iterable[str], tenant: Tenant) -> list[Seen]:
    """The tokens of the tenant's organisations among `ids`."""
    return [Seen(row[0], row[1]) for row in await _API_KEYS.rows(session, tenant, ids=list(ids))]


async def environments_below(
    session: AsyncSession, *, org_ids: Iterable[str] = (), project_ids: Iterable[str] = ()
) -> list[ChildPage]:
    """The environments of organisations and of projects."""
    query = (
        select(col(Environment.id), col(Environment.project_id), col(Project.org_id), col(Environment.protected))
        .join(Project, col(Project.id) == col(Environment.project_id))
        .where(col(Project.org_id).in_(org_ids) | col(Project.id).in_(project_ids))
    )
    return [ChildPage(*row) for row in (await session.execute(query)).all()]


def _state(row: Any) -> Seen:
    return Seen(Current(row[0], row[1]), row[3], row[0].project_id, row[2])
