"""The proof of tenancy, and the only caller of the policy.

`enter_org`, `enter_project` and `enter_environment` turn what a stranger asks for into `not_found`, then ask the policy
about the operation. An `Access` cannot be had otherwise, so no service works without the proof.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, cast

from app.domain.actors import Anonymous, Member, Role
from app.domain.errors import AppError, not_found
from app.domain.ids import is_id
from app.domain.policy import Decision, Deny, Divert, Operation, Target, decide
from app.domain.primitives import Kind
from app.models import Environment, Org, Primitive, Project
from app.store import environments, orgs, primitives, projects
from app.store.unit_of_work import Subject, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgAccess:
    """An actor's way into an organisation, for one operation. `role` is None for tokens."""

    uow: UnitOfWork
    operation: Operation
    org: Org
    role: Role | None
    decision: Decision
    again: Callable[[], Awaitable["OrgAccess"]]

    async def to_write(self) -> Self:
        """The same access inside the write transaction, with all that it rests on read again."""
        await self.uow.begin_write()
        return cast(Self, await self.again())

    def require_immediate(self) -> None:
        """Raises `approval_not_supported` where the change must wait for a person."""
        if isinstance(self.decision, Divert):
            raise AppError("approval_not_supported")

    @property
    def subject(self) -> Subject:
        """What is entered, for the audit."""
        return Subject(self.org.id, "org", self.org.id, self.org.slug)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectAccess(OrgAccess):
    """An actor's way into a project, and to the primitive whose key was asked for."""

    project: Project
    primitive: Primitive | None

    @property
    def found(self) -> Primitive:
        """The primitive asked for. Raises `not_found` when there is none."""
        if self.primitive is None:
            raise not_found("primitive")
        return self.primitive

    @property
    def subject(self) -> Subject:
        """What is entered, for the audit."""
        return Subject(self.org.id, "project", self.project.id, self.project.key, self.project.id)

    def subject_of(self, primitive: Primitive) -> Subject:
        """A primitive within what is entered, for the audit."""
        return replace(self.subject, type=primitive.kind.value, id=primitive.id, key=primitive.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentAccess(ProjectAccess):
    """An actor's way into an environment, and to the primitive whose key was asked for."""

    environment: Environment

    @property
    def subject(self) -> Subject:
        """What is entered, for the audit."""
        environment = self.environment
        return Subject(self.org.id, "environment", environment.id, environment.key, self.project.id, environment.id)


async def enter_org(uow: UnitOfWork, slug: str, operation: Operation) -> OrgAccess:
    """Into the organisation of the slug. Raises `unauthorized`, `not_found`, or what the policy says."""
    person = _person(uow)
    if (found := await orgs.for_member(uow.session, slug, person.user_id)) is None:
        raise not_found("organisation")
    org, membership = found
    decision = _decided(uow, operation, Target(role=membership.role))
    return OrgAccess(
        uow=uow,
        operation=operation,
        org=org,
        role=membership.role,
        decision=decision,
        again=partial(enter_org, uow, slug, operation),
    )


async def enter_project(
    uow: UnitOfWork, project_id: str, operation: Operation, kind: Kind | None = None, key: str | None = None
) -> ProjectAccess:
    """Into the project, and to its primitive `key` of `kind` where one is asked for."""
    person = _person(uow)
    found = await projects.for_member(uow.session, project_id, person.user_id) if is_id(project_id) else None
    if found is None:
        raise not_found("project")
    project, org, membership = found
    primitive = await _primitive(uow, project, kind, key)
    target = Target(role=membership.role, project_id=project.id, kind=kind, key=key)
    decision = _decided(uow, operation, target)
    return ProjectAccess(
        uow=uow,
        operation=operation,
        org=org,
        project=project,
        role=membership.role,
        primitive=primitive,
        decision=decision,
        again=partial(enter_project, uow, project_id, operation, kind, key),
    )


async def enter_environment(
    uow: UnitOfWork,
    environment_id: str,
    operation: Operation,
    kind: Kind | None = None,
    key: str | None = None,
) -> EnvironmentAccess:
    """Into the environment, and to its primitive `key` of `kind` where one is asked for."""
    person = _person(uow)
    found = (
        await environments.for_member(uow.session, environment_id, person.user_id) if is_id(environment_id) else None
    )
    if found is None:
        raise not_found("environment")
    environment, project, org, membership = found
    primitive = await _primitive(uow, project, kind, key)
    target = Target(
        role=membership.role,
        project_id=project.id,
        environment_id=environment.id,
        kind=kind,
        key=key,
        protected=environment.protected,
    )
    decision = _decided(uow, operation, target)
    return EnvironmentAccess(
        uow=uow,
        operation=operation,
        org=org,
        project=project,
        environment=environment,
        role=membership.role,
        primitive=primitive,
        decision=decision,
        again=partial(enter_environment, uow, environment_id, operation, kind, key),
    )


def signed_in(uow: UnitOfWork) -> Member:
    """The person who calls, for what any user may do. Raises `unauthorized` for anybody else."""
    return _person(uow)


def _person(uow: UnitOfWork) -> Member:
    if isinstance(uow.actor, Member):
        return uow.actor
    if isinstance(uow.actor, Anonymous):
        raise AppError("unauthorized")
    raise AppError("forbidden")


async def _primitive(uow: UnitOfWork, project: Project, kind: Kind | None, key: str | None) -> Primitive | None:
    """For people a key counts among the ids: it is missed before the role is looked at."""
    if kind is None or key is None:
        return None
    if (found := await primitives.by_key(uow.session, project.id, kind, key)) is None:
        raise not_found(kind)
    return found


def _decided(uow: UnitOfWork, operation: Operation, target: Target) -> Decision:
    decision = decide(uow.actor, operation, target)
    if isinstance(decision, Deny):
        raise AppError(decision.code, fields=decision.fields)
    return decision
