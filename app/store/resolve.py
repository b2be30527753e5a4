"""What a caller enters, in one query each: the thing by its id with all above it, the caller's role in the
organisation (None for tokens), and the live primitive that is asked for below it, if there is one."""

from typing import NamedTuple

from sqlalchemy import and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import Role
from app.engine.kinds import Kind
from app.models import Environment, Org, Primitive, Project
from app.store.tenancy import Tenant, Tenanted


class ResolvedOrg(NamedTuple):
    org: Org
    role: Role | None


class ResolvedProject(NamedTuple):
    project: Project
    org: Org
    primitive: Primitive | None
    role: Role | None


class ResolvedEnvironment(NamedTuple):
    environment: Environment
    project: Project
    org: Org
    primitive: Primitive | None
    role: Role | None


class Named(NamedTuple):
    """The primitive asked for; of no kind, none is."""

    kind: Kind | None = None
    key: str | None = None


_ASKED_FOR = and_(
    col(Primitive.project_id) == col(Project.id),
    col(Primitive.kind) == bindparam("kind"),
    col(Primitive.key) == bindparam("key"),
    col(Primitive.deleted_at).is_(None),
)
_ORG = Tenanted(select(Org).where(col(Org.slug) == bindparam("slug")))
_PROJECT = Tenanted(
    select(Project, Org, Primitive)
    .join(Org, col(Org.id) == col(Project.org_id))
    .outerjoin(Primitive, _ASKED_FOR)
    .where(col(Project.id) == bindparam("id"))
)
_ENVIRONMENT = Tenanted(
    select(Environment, Project, Org, Primitive)
    .join(Project, col(Project.id) == col(Environment.project_id))
    .join(Org, col(Org.id) == col(Project.org_id))
    .outerjoin(Primitive, _ASKED_FOR)
    .where(col(Environment.id) == bindparam("id"))
)


async def org(session: AsyncSession, slug: str, tenant: Tenant) -> ResolvedOrg | None:
    """The organisation of the slug; None where it is not the tenant's."""
    row = await _ORG.row(session, tenant, slug=slug)
    return None if row is None else ResolvedOrg(*row)


async def project(session: AsyncSession, project_id: str, tenant: Tenant, named: Named) -> ResolvedProject | None:
    """The project; None where it is not the tenant's."""
    row = await _PROJECT.row(session, tenant, id=project_id, **named._asdict())
    return None if row is None else ResolvedProject(*row)


async def environment(
    session: AsyncSession, environment_id: str, tenant: Tenant, named: Named
) -> ResolvedEnvironment | None:
    """The environment; None where it is not the tenant's."""
    row = await _ENVIRONMENT.row(session, tenant, id=environment_id, **named._asdict())
    return None if row is None else ResolvedEnvironment(*row)
