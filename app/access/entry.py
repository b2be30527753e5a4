"""The proof of tenancy, and (with `batches`, which asks for many things at once, and `known`, which asks for what is in
memory) the only caller of the policy.

An `Entry` says what a call enters and what for. Opening it raises `not_found` for what is another tenant's, asks the
policy, and gives an `Access`, or a `Diverted` if the change needs approval; neither can be had otherwise.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.access.known import sees, sees_all, target_of
from app.access.missing import missing, not_called
from app.access.visible import tenant_of
from app.domain.actors import API_KEY_ENDED, ResourcePattern, Role, Token
from app.domain.errors import AppError, not_found
from app.domain.ids import is_id, lowered
from app.domain.named import NOTHING, Named
from app.domain.operations import Operation
from app.domain.policy import (
    NO_PROPOSAL,
    TABLE,
    Allow,
    Approval,
    AskedKey,
    Decision,
    Deny,
    Divert,
    Proposed,
    Proposer,
    Reach,
    Target,
    decide,
)
from app.engine.kinds import KeyRef, Kind
from app.models import Environment, Org, Primitive, Project, State
from app.models.base import Revised
from app.store import api_keys, environments, members
from app.store.resolve import Level, Resolved, StateHere, ids_below, resolve
from app.store.unit_of_work import Subject, UnitOfWork

_KEPT = {Operation.EVALUATE, Operation.READ_STATE}  # which SDKs ask for
T = TypeVar("T")
Find = Callable[[UnitOfWork, Org], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a call enters: an organisation by slug, a project or environment by id or name, and for which operation.

    `key_ref` is the primitive that it asks for below that, `named` what its body names, both looked at before the rest
    of the body. `find` looks up what else the path names in the organisation, and raises `not_found`. `proposed` is
    about the proposal that something is done to.
    """

    level: Level
    id: str
    operation: Operation
    key_ref: KeyRef | None = None
    named: Named = NOTHING
    find: Find | None = None
    proposed: Proposed = NO_PROPOSAL

    @classmethod
    def of_org(cls, slug: str, operation: Operation, *, named: Named = NOTHING, find: Find | None = None) -> "Entry":
        return cls(Level.ORG, slug, operation, None, named, find)

    @classmethod
    def of_project(
        cls,
        project_id: str,
        operation: Operation,
        key_ref: KeyRef | None = None,
        *,
        named: Named = NOTHING,
        proposed: Proposed = NO_PROPOSAL,
    ) -> "Entry":
        return cls(Level.PROJECT, lowered(project_id), operation, key_ref, named, proposed=proposed)

    @classmethod
    def of_environment(
        cls,
        environment_id: str,
        operation: Operation,
        key_ref: KeyRef | None = None,
        *,
        named: Named = NOTHING,
        proposed: Proposed = NO_PROPOSAL,
    ) -> "Entry":
        return cls(Level.ENVIRONMENT, lowered(environment_id), operation, key_ref, named, proposed=proposed)

    async def open(self, uow: UnitOfWork) -> "Access | Diverted":
        """Checks ids, then what the policy says. Raises `unauthorized`, `not_found`, or what the policy denies."""
        resolved = await self._resolve(uow)
        found = None if self.find is None else await self.find(uow, resolved.org)
        ids = await self._ids(uow, resolved)
        lacking = await missing(uow, resolved, self.key_ref, self.named)
        if lacking is not None and not isinstance(uow.actor, Token):
            raise lacking  # for people a key counts among the ids, before the role
        target = await self._target(uow, resolved)
        decision, override = _decided(uow, self.operation, target)
        if lacking is not None:
            raise lacking  # a token's resources were tested on the key it asked for
        way_in = Diverted if isinstance(decision, Divert) else Access
        entered = way_in(uow=uow, entry=self, resolved=resolved, target=target, found=found, ids=ids, override=override)
        for declared, one in self.named.ids:
            if declared.reads is not None:
                await Entry.of_environment(ids[one], declared.reads).enter(uow)
        for operation in self.named.operations:
            if operation is not self.operation:
                entered.require(operation)
        for role in self.named.roles:
            entered.require_rank(role)
        return entered

    async def enter(self, uow: UnitOfWork) -> "Access":
        """Like `open`, but raises `approval_not_supported` for what needs approval."""
        entered = await self.open(uow)
        if isinstance(entered, Diverted):
            raise AppError("approval_not_supported")
        return entered

    async def _resolve(self, uow: UnitOfWork) -> Resolved:
        """What is called so, for an evaluation from memory where it is known. Raises `not_found`."""
        tenant, directory = tenant_of(uow), uow.host.directory
        if self.operation is Operation.EVALUATE and (known := directory.find(self.id, tenant)) is not None:
            return known
        state_at = uow.now if self.operation is Operation.READ_STATE and self.key_ref is not None else None
        resolved = await resolve(uow.session, self.level, self.id, tenant, self.key_ref, state_at)
        if resolved is None:
            raise not_called(self.level, [self.id])
        if self.operation in _KEPT and self.key_ref is None and not uow.is_writing:
            directory.keep(self.id, tenant, resolved, uow.directory_generation)
        return resolved

    async def _ids(self, uow: UnitOfWork, resolved: Resolved) -> dict[str, str]:
        """The ids of what the body names, by what it is called there, below what is entered. Raises `not_found`."""
        found: dict[str, str] = {}
        for what in dict.fromkeys(declared.what for declared, _ in self.named.ids):
            called = {one: lowered(one) for declared, one in self.named.ids if declared.what == what}
            if what == "member":
                known = await members.user_ids(uow.session, resolved.org.id, filter(is_id, called.values()))
                if not known.issuperset(called.values()):
                    raise not_found("member")
                found |= called
                continue
            level = Level(what)
            below_project = level is Level.ENVIRONMENT and resolved.project is not None
            ids = await ids_below(uow.session, level, set(called.values()), resolved.org, resolved.project)
            if missing := [one for one in called.values() if one not in ids]:
                raise not_called(level, missing, " in this project" if below_project else "")
            found |= {one: ids[lower] for one, lower in called.items()}
        return found

    async def _target(self, uow: UnitOfWork, resolved: Resolved) -> Target:
        """What the policy wants to know of what is entered."""
        row, (role, org, project, *_) = TABLE[self.operation], resolved
        asked = self.named.asked
        if self.key_ref is not None:
            asked = (AskedKey((self.key_ref.kind,), self.key_ref.key),)
        if (place := resolved.place) is not None:
            return target_of(place, asked, self.proposed)
        depends_on_protection = row.protected is not Approval.PASS or row.proposer is not Proposer.ANYBODY
        if project is None:
            protected = depends_on_protection and await environments.any_protected_of_org(uow.session, org.id)
            return Target(role, asked=asked, protected=protected)
        ids: frozenset[str] = frozenset()
        if isinstance(uow.actor, Token) and row.reach is Reach.ANY_ENV:
            ids = frozenset(await environments.ids_of_project(uow.session, project.id))
        protected = depends_on_protection and await environments.any_protected(uow.session, project.id)
        return Target(role, project.id, None, ids, asked, protected, self.proposed)


def _led_to(found: T | None) -> T:
    if found is None:
        raise LookupError("the entry does not lead there")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What was entered. `found` is the result of `find`; `override` why protection is overridden, if it is.

    `ids` has those of the projects and environments that the body names, by what it calls them.
    """

    uow: UnitOfWork
    entry: Entry
    resolved: Resolved
    target: Target
    found: Any
    ids: Mapping[str, str]
    override: str | None

    @property
    def org(self) -> Org:
        return self.resolved.org

    @property
    def project(self) -> Project:
        """Only an entry into a project or an environment has one."""
        return _led_to(self.resolved.project)

    @property
    def environment(self) -> Environment:
        """Only an entry into an environment has one."""
        return _led_to(self.resolved.environment)

    @property
    def primitive(self) -> Primitive:
        """Only an entry with a `key_ref` has one."""
        return _led_to(self.resolved.primitive)

    @property
    def here(self) -> StateHere:
        """Only an entry to read the state of a primitive has it."""
        return _led_to(self.resolved.here)

    async def reopen_to_write(self) -> "Access | Diverted":
        """Opens the entry again within the write: all is read again, with what is entered and what it names locked."""
        uow, (_, org, project, environment, *_) = self.uow, self.resolved
        await uow.begin_write()
        if environment is not None:
            await uow.lock(Environment, [environment.id, *self.ids.values()])
        elif project is not None:  # with its environments: whoever writes a state holds its environment
            await uow.lock(Project, [project.id])
            await uow.lock(Environment, await environments.ids_of_project(uow.session, project.id))
        else:
            await uow.lock(Org, [org.id])
        if isinstance(uow.actor, Token) and not await api_keys.is_live(uow.session, uow.actor.token_id):
            raise AppError("unauthorized", API_KEY_ENDED)
        below = environment or project
        entry = self.entry if below is None else replace(self.entry, id=below.id)  # a name may be another's by now
        return await entry.open(uow)

    def write_as_it_is(self, current: State, reason: str | None) -> State:
        """Writes and records the state of the entry's primitive at the environment's next version, as it is.

        It changes nothing, so it needs no approval.
        """
        uow, primitive = self.uow, self.primitive
        uow.record(self.entry.operation, self.subject(primitive), reason=reason, override=self.override)
        return uow.changes.write_state(self.environment, primitive, current, actor=uow.actor_as_json())

    def raise_version(self, reason: str | None, new: Any) -> None:
        """Makes and records the environment's next version, in which nothing changes: that needs no approval."""
        self.uow.changes.raise_version(self.environment)
        self.uow.record(self.entry.operation, self.subject(), reason=reason, override=self.override, new=new)

    def record_proposal(self, proposal_id: str, subject: Subject, reason: str | None, new: Any) -> None:
        """The audit row of a proposal that is made instead of a change, which needs no approval."""
        self.uow.record(Operation.PROPOSE, subject, reason=reason, new=new, proposal_id=proposal_id)

    def require(self, operation: Operation, *, protected: bool = False) -> str | None:
        """Asks for one more operation on what is entered; `protected` where what would change is.

        Gives the reason why protection is overridden, where an owner does that.
        """
        decision, override = _decided(self.uow, operation, replace(self.target, protected=protected))
        if isinstance(decision, Divert):
            raise AppError("approval_not_supported")
        return override

    def require_rank(self, role: Role) -> None:
        """Raises `insufficient_role` for a role above the caller's own."""
        own = self.target.role
        if own is None or own.rank < role.rank:
            raise AppError("insufficient_role", "You cannot create or revoke an invitation for a role above your own.")

    def sees(self, kind: Kind, key: str) -> bool:
        """Whether the primitive is within what the caller's lists are limited to."""
        actor = self.uow.actor
        return not isinstance(actor, Token) or sees(actor.resources, kind, key)

    @property
    def sees_all(self) -> bool:
        """Whether the caller's lists include every primitive: for people, and for tokens with `*`."""
        return self.resources is None

    @property
    def resources(self) -> tuple[ResourcePattern, ...] | None:
        """What the caller's lists are limited to, if they are."""
        actor = self.uow.actor
        return None if not isinstance(actor, Token) or sees_all(actor) else actor.resources

    def subject(self, primitive: Primitive | None = None) -> Subject:
        """What is entered, or a primitive within it, for the audit."""
        _, org, project, environment, *_ = self.resolved
        environment_id = None if environment is None else environment.id
        project_id = None if project is None else project.id
        if primitive is not None:
            return Subject(org.id, primitive.kind.value, primitive.id, primitive.key, project_id, environment_id)
        if environment is not None:
            return Subject(org.id, "environment", environment.id, environment.key, project_id, environment_id)
        if project is not None:
            return Subject(org.id, "project", project.id, project.key, project_id)
        return Subject(org.id, "org", org.id, org.slug)


class Diverted(Entered):
    """What was entered, for an operation that needs approval: it can only be proposed.

    What it can write changes nothing: a state as it is (`write_as_it_is`), a version (`raise_version`), and a
    proposal's audit row (`record_proposal`).
    """


class Access(Entered):
    """What was entered, for an operation that is allowed without approval."""

    async def to_write(self) -> "Access":
        """Like `reopen_to_write`, but raises `approval_not_supported` for what needs approval."""
        entered = await self.reopen_to_write()
        if isinstance(entered, Diverted):
            raise AppError("approval_not_supported")
        return entered

    def record(
        self,
        reason: str | None,
        subject: Subject | None = None,
        *,
        operation: Operation | None = None,
        override: str | None = None,
        previous: Any | None = None,
        new: Any | None = None,
        proposal_id: str | None = None,
        approvers: Sequence[dict[str, Any]] = (),
    ) -> None:
        """The audit row of what is done: to what is entered, by the entry's operation, unless said otherwise.

        `override` is why protection is overridden, where that was asked for in addition to the entry. `approvers` are
        those of the proposal.
        """
        self.uow.record(
            operation or self.entry.operation,
            subject or self.subject(),
            reason=reason,
            override=override or self.override,
            previous=previous,
            new=new,
            proposal_id=proposal_id,
            approvers=approvers,
        )

    def write_state(
        self, environment: Environment, primitive: Primitive, current: State | None, **changes: Any
    ) -> State:
        """The primitive's state from the environment's next version on; see `Changeset.write_state`."""
        actor = self.uow.actor_as_json()
        return self.uow.changes.write_state(environment, primitive, current, actor=actor, **changes)

    def end_state(self, environment: Environment, primitive: Primitive, size: int) -> None:
        """The primitive, whose state has that size, is gone from the environment's next version on."""
        self.uow.changes.end_state(environment, primitive, size)

    def revise(
        self,
        row: Revised,
        values: Mapping[str, Any],
        reason: str | None,
        subject: Subject | None = None,
        *,
        operation: Operation | None = None,
        override: str | None = None,
    ) -> set[str]:
        """Sets and records the values of a row that people change; nothing is done if it has them all.

        Gives the names of those that changed.
        """
        if previous := self.uow.revise(row, values):
            new = {name: values[name] for name in previous}
            self.record(reason, subject, operation=operation, override=override, previous=previous, new=new)
        return set(previous)


def require_of_instance(uow: UnitOfWork, operation: Operation) -> None:
    """Asks for an operation that is done in no organisation. Raises what the policy denies."""
    _decided(uow, operation, Target())


def allowed_of_instance(uow: UnitOfWork, operation: Operation) -> bool:
    return isinstance(decide(uow.actor, operation, Target()), Allow)


def _decided(uow: UnitOfWork, operation: Operation, target: Target) -> tuple[Decision, str | None]:
    """The policy's decision, and why protection is overridden where an owner does that. Raises what it denies."""
    decision, override = decide(uow.actor, operation, target), None
    overridable = TABLE[operation].proposer is Proposer.ANYBODY  # nobody breaks glass to approve their own proposal
    if overridable and target.protected and uow.break_glass is not None and not isinstance(decision, Allow):
        # What it would be without protection, for those who may override it (`breakGlass`); the audit has the reason.
        decision = decide(uow.actor, operation, replace(target, protected=False))
        for denied in (decision, decide(uow.actor, Operation.BREAK_GLASS, target)):
            if isinstance(denied, Deny):
                raise AppError(denied.code, denied.message, fields=denied.fields)
        override = uow.break_glass
    if isinstance(decision, Deny):
        raise AppError(decision.code, decision.message, fields=decision.fields)
    return decision, override
