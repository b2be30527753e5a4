"""What a call names, in one query: the thing with all above it, the caller's role in the organisation (None for
tokens), and the live primitive that is asked for below it, if there is one.

An organisation is called by its slug. A project or an environment is called by its id, or by its name, which never
changes: `acme:web`, `acme:web:production`.
"""

from collections.abc import Collection
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import Role
from app.domain.commands import is_slug
from app.domain.ids import is_id
from app.engine.kinds import KeyRef
from app.models import Environment, Org, Primitive, Project, State
from app.store.open_proposals import waiting_here
from app.store.states import is_present_state
from app.store.tenancy import Tenant, Tenanted


class Level(Enum):
    """What is named."""

    ORG = "organisation"
    PROJECT = "project"
    ENVIRONMENT = "environment"


class Place(NamedTuple):
    """An environment as the policy sees it: by plain values, which cost nothing to look at."""

    role: Role | None
    project_id: str
    environment_id: str
    protected: bool


class StateHere(NamedTuple):
    """The primitive's present state in the environment, and how many proposals wait for it, whoever sees them."""

    state: State
    waiting: int


class Resolved(NamedTuple):
    """What was found, down to the level that was asked for; below it None. The state is there if it was asked for."""

    role: Role | None
    org: Org
    project: Project | None = None
    environment: Environment | None = None
    primitive: Primitive | None = None
    here: StateHere | None = None

    @property
    def place(self) -> Place | None:
        """The environment that was found, if it was one."""
        role, _, project, environment, *_ = self
        if project is None or environment is None:
            return None
        return Place(role, project.id, environment.id, environment.protected)


_PRIMITIVE = and_(
    col(Primitive.project_id) == col(Project.id),
    col(Primitive.kind) == bindparam("kind"),
    col(Primitive.key) == bindparam("key"),
    col(Primitive.deleted_at).is_(None),
)
_BELOW = {
    Level.PROJECT: select(Org, Project, Primitive)
    .select_from(Project)
    .join(Org, col(Org.id) == col(Project.org_id))
    .outerjoin(Primitive, _PRIMITIVE),
    Level.ENVIRONMENT: select(Org, Project, Environment, Primitive)
    .select_from(Environment)
    .join(Project, col(Project.id) == col(Environment.project_id))
    .join(Org, col(Org.id) == col(Project.org_id))
    .outerjoin(Primitive, _PRIMITIVE),
}
_ORG, _PROJECT = col(Org.slug) == bindparam("org"), col(Project.key) == bindparam("project")
_ENVIRONMENT = col(Environment.key) == bindparam("environment")
_BY_NAME = {
    Level.ORG: Tenanted(select(Org).where(_ORG)),
    Level.PROJECT: Tenanted(_BELOW[Level.PROJECT].where(_ORG, _PROJECT)),
    Level.ENVIRONMENT: Tenanted(_BELOW[Level.ENVIRONMENT].where(_ORG, _PROJECT, _ENVIRONMENT)),
}
_WITH_STATE = _BELOW[Level.ENVIRONMENT].outerjoin(State, is_present_state()).add_columns(State, waiting_here())
_STATE_BY_NAME = Tenanted(_WITH_STATE.where(_ORG, _PROJECT, _ENVIRONMENT))
_BY_ID = {
    Level.PROJECT: Tenanted(_BELOW[Level.PROJECT].where(col(Project.id) == bindparam("id"))),
    Level.ENVIRONMENT: Tenanted(_BELOW[Level.ENVIRONMENT].where(col(Environment.id) == bindparam("id"))),
}
_STATE_BY_ID = Tenanted(_WITH_STATE.where(col(Environment.id) == bindparam("id")))


def steps_of(level: Level, name: str) -> dict[str, str] | None:
    """The keys in a name of the level, such as `acme:web:production`; None if it is none."""
    keys = name.split(":")
    if len(keys) != len(_STEPS[level]) or not all(map(is_slug, keys)):
        return None
    return dict(zip(_STEPS[level], keys, strict=True))


_STEPS = {
    Level.ORG: ("org",),
    Level.PROJECT: ("org", "project"),
    Level.ENVIRONMENT: ("org", "project", "environment"),
}


async def resolve(
    session: AsyncSession,
    level: Level,
    called: str,
    tenant: Tenant,
    key_ref: KeyRef | None = None,
    state_at: datetime | None = None,
) -> Resolved | None:
    """What is called so, by its id or its name; None where it is nothing of the tenant's.

    In an environment also the state of what is asked for, with what waits for it at an instant.
    """
    sought: dict[str, Any]
    with_state = level is Level.ENVIRONMENT and state_at is not None
    if level is not Level.ORG and is_id(called):
        query, sought = _STATE_BY_ID if with_state else _BY_ID[level], {"id": called}
    elif (steps := steps_of(level, called)) is not None:
        query, sought = _STATE_BY_NAME if with_state else _BY_NAME[level], {**steps}
    else:
        return None
    if with_state:
        sought["at"] = state_at
    if level is not Level.ORG:
        known = key_ref is not None and is_slug(key_ref.key)  # a text that cannot be a key names nothing
        sought |= {"kind": key_ref.kind, "key": key_ref.key} if key_ref and known else {"kind": None, "key": None}
    match await query.row(session, tenant, **sought):
        case (org, role):
            return Resolved(role, org)
        case (org, project, primitive, role):
            return Resolved(role, org, project, primitive=primitive)
        case (org, project, environment, primitive, role):
            return Resolved(role, org, project, environment, primitive)
        case (org, project, environment, primitive, state, waiting, role):
            return Resolved(role, org, project, environment, primitive, state and StateHere(state, waiting))
    return None


async def ids_below(
    session: AsyncSession, level: Level, called: Collection[str], org: Org, project: Project | None
) -> dict[str, str]:
    """The ids of projects or environments below the organisation, or the project, by what each was called."""
    ids, names = [one for one in called if is_id(one)], [one for one in called if steps_of(level, one)]
    if not ids and not names:
        return {}
    row_id: Any = col(Project.id)
    name: Any = literal(f"{org.slug}:").concat(col(Project.key))
    query = select(row_id, name)
    if level is Level.ENVIRONMENT:
        row_id, name = col(Environment.id), name.concat(":").concat(col(Environment.key))
        query = select(row_id, name).join(Project, col(Project.id) == col(Environment.project_id))
    query = query.where(col(Project.org_id) == org.id, row_id.in_(ids) | name.in_(names))
    if project is not None:
        query = query.where(col(Project.id) == project.id)
    found = {text: row[0] for row in (await session.execute(query)).all() for text in row}
    return {one: found[one] for one in called if one in found}
