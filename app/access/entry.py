"""The proof of tenancy, and the caller of the policy (with `lookups`, which asks it for many things at once).

`enter_org`, `enter_project` and `enter_environment` turn what a stranger asks for into `not_found`, then ask the policy
about the operation. An `Access` cannot be had otherwise, so no service works without the proof.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self, cast

from app.domain.actors import Anonymous, EnvironmentScope, Member, ResourcePattern, Token
from app.domain.commands import UncheckedText, is_slug
from app.domain.errors import AppError, not_found
from app.domain.ids import is_id
from app.domain.policy import TABLE, Allow, Approval, Asked, Decision, Deny, Divert, Operation, Reach, Target, decide
from app.engine.kinds import Kind
from app.models import Environment, Org, Primitive, Project, User
from app.store import api_keys, environments, people, resolve
from app.store.resolve import Named
from app.store.tenancy import Tenant
from app.store.unit_of_work import Subject, UnitOfWork

Naming = Callable[[UnitOfWork, Org], Awaitable[None]]
NamingBelow = Callable[[UnitOfWork, Project], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgAccess:
    """An actor's way into an organisation, for one operation. `target` is what the policy was asked about."""

    uow: UnitOfWork
    operation: Operation
    org: Org
    target: Target
    decision: Decision
    again: Callable[[], Awaitable["OrgAccess"]]
    further: list[Operation] = field(default_factory=list)

    async def to_write(self) -> Self:
        """The same access inside the write transaction, with what it enters locked and all it rests on read again."""
        await self.uow.begin_write()
        await self._lock()
        actor = self.uow.actor
        if isinstance(actor, Token) and not await api_keys.is_live(self.uow.session, actor.token_id):
            raise AppError("unauthorized")
        self.uow.override_used = False
        access = cast(Self, await self.again())
        for operation in self.further:
            access.require(operation)
        return access

    async def _lock(self) -> None:
        await self.uow.lock(Org, [self.org.id])

    def require(self, operation: Operation, *, protected: bool = False) -> None:
        """Asks for a further operation, that the content of the call turned out to need; again inside the write."""
        if isinstance(_decided(self.uow, operation, replace(self.target, protected=protected)), Divert):
            raise AppError("approval_not_supported")
        if not protected:
            self.further.append(operation)

    def require_immediate(self) -> None:
        """Raises `approval_not_supported` where the change must wait for a person."""
        if isinstance(self.decision, Divert):
            raise AppError("approval_not_supported")

    @property
    def scope(self) -> EnvironmentScope | None:
        """What lists of projects and environments are cut down to; None for people."""
        return scope_of(self.uow)

    def resources(self, kind: Kind) -> tuple[ResourcePattern, ...] | None:
        """What lists of primitives of the kind are cut down to; None for people."""
        return resources_of(self.uow, kind)

    def sees(self, kind: Kind, key: str) -> bool:
        """Whether the primitive is within what lists are cut down to."""
        within = self.resources(kind)
        return within is None or any(pattern.matches(kind, key) for pattern in within)

    @property
    def sees_all(self) -> bool:
        """Whether nothing is cut off: for people, and for tokens with `*`."""
        actor = self.uow.actor
        return not isinstance(actor, Token) or any(pattern.everything for pattern in actor.resources)

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


async def enter_org(uow: UnitOfWork, slug: str, operation: Operation, naming: Naming | None = None) -> OrgAccess:
    """Into the organisation of the slug. Raises `unauthorized`, `not_found`, or what the policy says.

    `naming` looks at the ids that the body names, which come before the role.
    """
    tenant = tenant_of(uow)
    found = await resolve.org(uow.session, slug, tenant) if is_slug(slug) else None
    if found is None:
        raise not_found("organisation")
    org, role = found
    if naming is not None:
        await naming(uow, org)
    protected = _depends_on_protection(operation) and await environments.any_protected_of_org(uow.session, org.id)
    target = Target(role=role, protected=protected)
    return OrgAccess(
        uow=uow,
        operation=operation,
        org=org,
        target=target,
        decision=_decided(uow, operation, target),
        again=partial(enter_org, uow, slug, operation, naming),
    )


async def enter_project(
    uow: UnitOfWork,
    project_id: str,
    operation: Operation,
    kind: Kind | None = None,
    key: str | None = None,
    *,
    asked: tuple[Asked, ...] = (),
    naming: NamingBelow | None = None,
) -> ProjectAccess:
    """Into the project, and to its primitive `key` of `kind` where one is asked for; `asked` need not exist.

    `naming` looks at the ids that the body names, which come before the role.
    """
    tenant = tenant_of(uow)
    found = await resolve.project(uow.session, project_id, tenant, _named(kind, key)) if is_id(project_id) else None
    if found is None:
        raise not_found("project")
    project, org, primitive, role = found
    if naming is not None:
        await naming(uow, project)
    target = Target(
        role=role,
        project_id=project.id,
        environment_ids=await _environment_ids(uow, project, operation),
        asked=asked or _asked(kind, key),
        protected=_depends_on_protection(operation) and await environments.any_protected(uow.session, project.id),
    )
    return ProjectAccess(
        uow=uow,
        operation=operation,
        org=org,
        project=project,
        target=target,
        primitive=primitive,
        decision=_decided_on(uow, operation, target, kind if key is not None and primitive is None else None),
        again=partial(enter_project, uow, project_id, operation, kind, key, asked=asked, naming=naming),
    )


async def enter_environment(
    uow: UnitOfWork,
    environment_id: str,
    operation: Operation,
    kind: Kind | None = None,
    key: str | None = None,
    *,
    asked: tuple[Asked, ...] = (),
) -> EnvironmentAccess:
    """Into the environment, and to its primitive `key` of `kind` where one is asked for.

    `asked` are the keys of a call that names several, which need not exist.
    """
    tenant = tenant_of(uow)
    named = _named(kind, key)
    found = await resolve.environment(uow.session, environment_id, tenant, named) if is_id(environment_id) else None
    if found is None:
        raise not_found("environment")
    environment, project, org, primitive, role = found
    target = Target(
        role=role,
        project_id=project.id,
        environment_id=environment.id,
        asked=asked or _asked(kind, key),
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
        decision=_decided_on(uow, operation, target, kind if key is not None and primitive is None else None),
        again=partial(enter_environment, uow, environment_id, operation, kind, key, asked=asked),
    )


def signed_in(uow: UnitOfWork) -> Member:
    """The person who calls, for what any user may do. Raises `unauthorized` or `forbidden` for anybody else."""
    tenant_of(uow)
    if not isinstance(uow.actor, Member):
        raise AppError("forbidden")
    return uow.actor


async def user_of(uow: UnitOfWork) -> User:
    """The row of the person who calls. Raises `unauthorized` for one who has been deleted in this moment."""
    user = await people.user(uow.session, signed_in(uow).user_id)
    if user is None or user.deleted_at is not None:
        raise AppError("unauthorized")
    return user


async def locked_user_of(uow: UnitOfWork) -> User:
    """The same, within the write that is going on: nobody deletes them meanwhile."""
    await uow.lock(User, [signed_in(uow).user_id])
    return await user_of(uow)


def scope_of(uow: UnitOfWork) -> EnvironmentScope | None:
    """What the caller's lists of projects and environments are cut down to; None for people."""
    return uow.actor.scope if isinstance(uow.actor, Token) else None


def resources_of(uow: UnitOfWork, kind: Kind) -> tuple[ResourcePattern, ...] | None:
    """What the caller's lists of primitives of the kind are cut down to; None for people."""
    if not isinstance(uow.actor, Token):
        return None
    return tuple(pattern for pattern in uow.actor.resources if pattern.kind in {None, kind})


def tenant_of(uow: UnitOfWork) -> Tenant:
    """Whose rows the caller may see. Raises `unauthorized`."""
    match uow.actor:
        case Member(user_id=user_id):
            return Tenant(user_id=user_id)
        case Token(org_id=org_id):
            return Tenant(org_id=org_id)
        case Anonymous():
            raise AppError("unauthorized")
    raise AppError("forbidden")


def _named(kind: Kind | None, key: str | None) -> Named:
    """What to look for: nothing where the key can be no primitive's."""
    return Named(kind, key) if key is not None and is_slug(key) else Named()


def _asked(kind: Kind | None, key: str | None) -> tuple[Asked, ...]:
    return () if kind is None or key is None else (Asked((kind,), key),)


async def _environment_ids(uow: UnitOfWork, project: Project, operation: Operation) -> frozenset[str]:
    """The project's environments, where the answer depends on them."""
    if not isinstance(uow.actor, Token) or TABLE[operation].reach is not Reach.ANY_ENV:
        return frozenset()
    return frozenset(await environments.ids_of_project(uow.session, project.id))


def _depends_on_protection(operation: Operation) -> bool:
    return TABLE[operation].protected is not Approval.PASS


def requested_key(kind: Kind, body: object) -> tuple[Asked, ...]:
    """The key that an unread body asks to make; one that is no string is refused with the rest of the body."""
    key = body.get("key") if isinstance(body, Mapping) else None
    return (Asked((kind,), key),) if isinstance(key, str) else ()


def _decided_on(uow: UnitOfWork, operation: Operation, target: Target, missing: Kind | None) -> Decision:
    """The decision where a primitive may be missing: for people a key counts among the ids, before the role; a
    token's scope is tested on the key that it asked for, before its existence."""
    if missing is not None and not isinstance(uow.actor, Token):
        raise not_found(missing)
    decision = _decided(uow, operation, target)
    if missing is not None:
        raise not_found(missing)
    return decision


def _decided(uow: UnitOfWork, operation: Operation, target: Target) -> Decision:
    decision = decide(uow.actor, operation, target)
    if target.protected and uow.break_glass is not None and not isinstance(decision, Allow):
        return _emergency_override(uow, uow.break_glass, operation, target)
    if isinstance(decision, Deny):
        raise AppError(decision.code, decision.message, fields=decision.fields)
    return decision


def _emergency_override(uow: UnitOfWork, reason: UncheckedText, operation: Operation, target: Target) -> Decision:
    """What the operation would be without protection, for those who may break the glass; the audit will say so."""
    decision = decide(uow.actor, operation, replace(target, protected=False))
    for denied in (decision, decide(uow.actor, Operation.BREAK_GLASS, target)):
        if isinstance(denied, Deny):
            raise AppError(denied.code, denied.message, fields=denied.fields)
    reason.checked()
    uow.override_used = True
    return decision
