"""The proof of tenancy, and the only caller of the policy.

`enter_org`, `enter_project` and `enter_environment` turn what a stranger asks for into `not_found`, then ask the policy
about the operation. An `Access` cannot be had otherwise, so no service works without the proof.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, cast

from app.domain.actors import Anonymous, Member
from app.domain.errors import AppError, not_found
from app.domain.ids import is_id
from app.domain.inputs import is_slug
from app.domain.policy import TABLE, Allow, Approval, Decision, Deny, Divert, Operation, Target, decide
from app.domain.primitives import Kind
from app.models import Environment, Org, Primitive, Project
from app.store import environments, orgs, primitives, projects
from app.store.unit_of_work import Subject, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgAccess:
    """An actor's way into an organisation, for one operation. `target` is what the policy was asked about."""

    uow: UnitOfWork
    operation: Operation
    org: Org
    target: Target
    decision: Decision
    again: Callable[[], Awaitable["OrgAccess"]]

    async def to_write(self) -> Self:
        """The same access inside the write transaction, with what it enters locked and all it rests on read again."""
        await self.uow.begin_write()
        await self._lock()
        return cast(Self, await self.again())

    async def _lock(self) -> None:
        await self.uow.lock(Org, [self.org.id])

    def require(self, operation: Operation, *, protected: bool = False) -> None:
        """Asks for a further operation, that the content of the call turned out to need."""
        _decided(self.uow, operation, replace(self.target, protected=protected))

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

    async def _lock(self) -> None:
        """The project with all its environments: whoever writes a state holds its environment."""
        await self.uow.lock(Project, [self.project.id])
        await self.uow.lock(Environment, await environments.ids_of_project(self.uow.session, self.project.id))

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

    async def _lock(self) -> None:
        await self.uow.lock(Environment, [self.environment.id])

    @property
    def subject(self) -> Subject:
        """What is entered, for the audit."""
        environment = self.environment
        return Subject(self.org.id, "environment", environment.id, environment.key, self.project.id, environment.id)


async def enter_org(uow: UnitOfWork, slug: str, operation: Operation) -> OrgAccess:
    """Into the organisation of the slug. Raises `unauthorized`, `not_found`, or what the policy says."""
    person = _person(uow)
    found = await orgs.for_member(uow.session, slug, person.user_id) if is_slug(slug) else None
    if found is None:
        raise not_found("organisation")
    org, membership = found
    protected = _heeds_protection(operation) and await environments.any_protected_of_org(uow.session, org.id)
    target = Target(role=membership.role, protected=protected)
    return OrgAccess(
        uow=uow,
        operation=operation,
        org=org,
        target=target,
        decision=_decided(uow, operation, target),
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
    protected = _heeds_protection(operation) and await environments.any_protected(uow.session, project.id)
    target = Target(role=membership.role, project_id=project.id, kind=kind, key=key, protected=protected)
    return ProjectAccess(
        uow=uow,
        operation=operation,
        org=org,
        project=project,
        target=target,
        primitive=primitive,
        decision=_decided(uow, operation, target),
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
    return EnvironmentAccess(
        uow=uow,
        operation=operation,
        org=org,
        project=project,
        environment=environment,
        target=target,
        primitive=primitive,
        decision=_decided(uow, operation, target),
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
    found = await primitives.by_key(uow.session, project.id, kind, key) if is_slug(key) else None
    if found is None:
        raise not_found(kind)
    return found


def _heeds_protection(operation: Operation) -> bool:
    return TABLE[operation].protected is not Approval.PASS


def _decided(uow: UnitOfWork, operation: Operation, target: Target) -> Decision:
    decision = decide(uow.actor, operation, target)
    if target.protected and uow.break_glass is not None and not isinstance(decision, Allow):
        return _breaking_glass(uow, operation, target)
    if isinstance(decision, Deny):
        raise AppError(decision.code, fields=decision.fields)
    return decision


def _breaking_glass(uow: UnitOfWork, operation: Operation, target: Target) -> Decision:
    """What the operation would be without protection, for those who may break the glass; the audit will say so."""
    decision = decide(uow.actor, operation, replace(target, protected=False))
    for denied in (decision, decide(uow.actor, Operation.BREAK_GLASS, target)):
        if isinstance(denied, Deny):
            raise AppError(denied.code, fields=denied.fields)
    uow.glass_broken = True
    return decision
