"""What a call names, in one query: the thing by its id with all above it, the caller's role in the organisation
(None for tokens), and the live primitive that is asked for below it, if there is one."""

from enum import Enum
from typing import NamedTuple

from sqlalchemy import and_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import Role
from app.domain.commands import is_slug
from app.domain.ids import is_id
from app.engine.kinds import Kind
from app.models import Environment, Org, Primitive, Project
from app.store.tenancy import Tenant, Tenanted


class Level(Enum):
    """What is named: an organisation by its slug, the others by id."""

    ORG = "organisation"
    PROJECT = "project"
    ENVIRONMENT = "environment"


class KeyRef(NamedTuple):
    """A primitive by its key."""

    kind: Kind
    key: str


class Resolved(NamedTuple):
    """What was found, down to the level that was asked for; below it None."""

    role: Role | None
    org: Org
    project: Project | None = None
    environment: Environment | None = None
    primitive: Primitive | None = None


_PRIMITIVE = and_(
    col(Primitive.project_id) == col(Project.id),
    col(Primitive.kind) == bindparam("kind"),
    col(Primitive.key) == bindparam("key"),
    col(Primitive.deleted_at).is_(None),
)
_QUERIES = {
    Level.ORG: Tenanted(select(Org).where(col(Org.slug) == bindparam("id"))),
    Level.PROJECT: Tenanted(
        select(Org, Project, Primitive)
        .select_from(Project)
        .join(Org, col(Org.id) == col(Project.org_id))
        .outerjoin(Primitive, _PRIMITIVE)
        .where(col(Project.id) == bindparam("id"))
    ),
    Level.ENVIRONMENT: Tenanted(
        select(Org, Project, Environment, Primitive)
        .select_from(Environment)
        .join(Project, col(Project.id) == col(Environment.project_id))
        .join(Org, col(Org.id) == col(Project.org_id))
        .outerjoin(Primitive, _PRIMITIVE)
        .where(col(Environment.id) == bindparam("id"))
    ),
}


async def resolve(
    session: AsyncSession, level: Level, name: str, tenant: Tenant, key_ref: KeyRef | None = None
) -> Resolved | None:
    """What the name names; None where it is nothing of the tenant's."""
    if not (is_slug if level is Level.ORG else is_id)(name):
        return None
    sought: dict[str, str | None] = {"id": name}
    if level is not Level.ORG:
        known = key_ref is not None and is_slug(key_ref.key)  # a text that cannot be a key names nothing
        sought |= {"kind": key_ref.kind, "key": key_ref.key} if key_ref and known else {"kind": None, "key": None}
    match await _QUERIES[level].row(session, tenant, **sought):
        case (org, role):
            return Resolved(role, org)
        case (org, project, primitive, role):
            return Resolved(role, org, project, primitive=primitive)
        case (org, project, environment, primitive, role):
            return Resolved(role, org, project, environment, primitive)
    return None
