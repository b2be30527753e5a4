"""THE policy: may this actor do this operation on this target? One table, one pure function.

Services reach it through `services.access` only; the README's matrix, list filters and GraphQL's `viewerCan` are
derived from the same rows. It looks at nothing but its arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from app.domain.actors import Actor, Member, Role, Token, Verb
from app.domain.primitives import Kind


class Operation(StrEnum):
    """Everything that can be asked for. The value is also the `action` of the audit row."""

    EVALUATE = "evaluate"
    READ_PROJECT = "read_project"
    READ_PRIMITIVE = "read_primitive"
    READ_ENVIRONMENT = "read_environment"
    READ_STATE = "read_state"
    READ_ORG = "read_org"
    CREATE_ORG = "create_org"
    LEAVE_ORG = "leave_org"
    UPDATE_ORG = "update_org"
    MANAGE_TOKENS = "manage_tokens"
    MANAGE_INVITATIONS = "manage_invitations"
    PROTECT_ENVIRONMENT = "protect_environment"
    SET_TARGET_ID_FIELD = "set_target_id_field"
    CHANGE_ROLE = "change_role"
    REMOVE_MEMBER = "remove_member"
    DELETE_ORG = "delete_org"
    BREAK_GLASS = "break_glass"
    CREATE_PROJECT = "create_project"
    UPDATE_PROJECT = "update_project"
    CREATE_ENVIRONMENT = "create_environment"
    UPDATE_ENVIRONMENT = "update_environment"
    DELETE_PROJECT = "delete_project"
    DELETE_ENVIRONMENT = "delete_environment"
    CREATE_PRIMITIVE = "create_primitive"
    UPDATE_PRIMITIVE = "update_primitive"
    DELETE_PRIMITIVE = "delete_primitive"
    UPDATE_STATE = "update_state"
    SET_SPOT_CHECKS = "set_spot_checks"
    KILL = "kill"
    RESTORE = "restore"
    PROMOTE = "promote"
    PROPOSE = "propose"
    REVIEW_PROPOSAL = "review_proposal"
    APPLY_PROPOSAL = "apply_proposal"
    CANCEL_PROPOSAL = "cancel_proposal"


class Reach(Enum):
    """What a token's environment scope must cover."""

    ORG = auto()
    PROJECT = auto()
    ENV = auto()
    ANY_ENV = auto()  # any environment of the project


class Resource(Enum):
    """What a token's resource patterns must cover."""

    NONE = auto()
    KEY = auto()  # the primitive's key as asked for
    ALL = auto()  # only `*` does


class Approval(Enum):
    """What a duty of approval does to the operation."""

    PASS = auto()
    DIVERT = auto()
    REFUSE = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `role` None: any user; `verb` None: for sessions only."""

    role: Role | None
    verb: Verb | None
    reach: Reach
    resource: Resource
    for_tokens: Approval  # what `approvalRequired` does to a token's call
    protected: Approval  # what a protected environment does to anybody's call


_V, _E, _A, _O = Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER
_ORG, _PROJECT, _ENV, _ANY = Reach.ORG, Reach.PROJECT, Reach.ENV, Reach.ANY_ENV
_NO, _KEY, _ALL = Resource.NONE, Resource.KEY, Resource.ALL
_PASS, _DIVERT, _REFUSE = Approval.PASS, Approval.DIVERT, Approval.REFUSE
_SESSION = None

# fmt: off
TABLE: dict[Operation, Row] = {
    #                                  role  verb           reach     resource  token's   protected
    #                                                                           approval  environment
    Operation.EVALUATE:            Row(_V, Verb.EVALUATE, _ENV,     _KEY,     _PASS,    _PASS),
    Operation.READ_PROJECT:        Row(_V, Verb.READ,     _ANY,     _NO,      _PASS,    _PASS),
    Operation.READ_PRIMITIVE:      Row(_V, Verb.READ,     _ANY,     _KEY,     _PASS,    _PASS),
    Operation.READ_ENVIRONMENT:    Row(_V, Verb.READ,     _ENV,     _NO,      _PASS,    _PASS),
    Operation.READ_STATE:          Row(_V, Verb.READ,     _ENV,     _KEY,     _PASS,    _PASS),
    Operation.READ_ORG:            Row(_V, Verb.READ,     _ORG,     _ALL,     _PASS,    _PASS),
    Operation.CREATE_ORG:          Row(None, _SESSION,    _ORG,     _NO,      _PASS,    _PASS),
    Operation.LEAVE_ORG:           Row(_V, _SESSION,      _ORG,     _NO,      _PASS,    _PASS),
    Operation.UPDATE_ORG:          Row(_A, _SESSION,      _ORG,     _NO,      _PASS,    _PASS),
    Operation.MANAGE_TOKENS:       Row(_A, _SESSION,      _ORG,     _NO,      _PASS,    _PASS),
    Operation.MANAGE_INVITATIONS:  Row(_A, _SESSION,      _ORG,     _NO,      _PASS,    _PASS),
    Operation.PROTECT_ENVIRONMENT: Row(_A, _SESSION,      _PROJECT, _NO,      _PASS,    _REFUSE),
    Operation.SET_TARGET_ID_FIELD: Row(_A, _SESSION,      _PROJECT, _NO,      _PASS,    _REFUSE),
    Operation.CHANGE_ROLE:         Row(_O, _SESSION,      _ORG,     _NO,      _PASS,    _PASS),
    Operation.REMOVE_MEMBER:       Row(_O, _SESSION,      _ORG,     _NO,      _PASS,    _PASS),
    Operation.DELETE_ORG:          Row(_O, _SESSION,      _ORG,     _NO,      _PASS,    _REFUSE),
    Operation.BREAK_GLASS:         Row(_O, _SESSION,      _PROJECT, _NO,      _PASS,    _PASS),
    Operation.CREATE_PROJECT:      Row(_E, Verb.WRITE,    _ORG,     _NO,      _REFUSE,  _PASS),
    Operation.UPDATE_PROJECT:      Row(_E, Verb.WRITE,    _PROJECT, _NO,      _REFUSE,  _PASS),
    Operation.CREATE_ENVIRONMENT:  Row(_E, Verb.WRITE,    _PROJECT, _NO,      _REFUSE,  _PASS),
    Operation.UPDATE_ENVIRONMENT:  Row(_E, Verb.WRITE,    _PROJECT, _NO,      _REFUSE,  _PASS),
    Operation.DELETE_PROJECT:      Row(_A, Verb.DELETE,   _PROJECT, _NO,      _REFUSE,  _REFUSE),
    Operation.DELETE_ENVIRONMENT:  Row(_A, Verb.DELETE,   _PROJECT, _NO,      _REFUSE,  _REFUSE),
    Operation.CREATE_PRIMITIVE:    Row(_E, Verb.WRITE,    _PROJECT, _KEY,     _REFUSE,  _PASS),
    Operation.UPDATE_PRIMITIVE:    Row(_E, Verb.WRITE,    _PROJECT, _KEY,     _REFUSE,  _PASS),
    Operation.DELETE_PRIMITIVE:    Row(_E, Verb.DELETE,   _PROJECT, _KEY,     _DIVERT,  _DIVERT),
    Operation.UPDATE_STATE:        Row(_E, Verb.WRITE,    _ENV,     _KEY,     _DIVERT,  _DIVERT),
    Operation.SET_SPOT_CHECKS:     Row(_E, Verb.WRITE,    _ENV,     _NO,      _REFUSE,  _PASS),
    Operation.KILL:                Row(_E, Verb.TOGGLE,   _ENV,     _KEY,     _DIVERT,  _PASS),
    Operation.RESTORE:             Row(_E, Verb.TOGGLE,   _ENV,     _KEY,     _DIVERT,  _DIVERT),
    Operation.PROMOTE:             Row(_E, Verb.PROMOTE,  _ENV,     _KEY,     _DIVERT,  _DIVERT),
    Operation.PROPOSE:             Row(_E, Verb.PROPOSE,  _ENV,     _KEY,     _PASS,    _PASS),
    Operation.REVIEW_PROPOSAL:     Row(_E, _SESSION,      _ENV,     _NO,      _PASS,    _PASS),
    # Applying is decided by the row of the proposal's own kind; this one adds what applying itself asks for.
    Operation.APPLY_PROPOSAL:      Row(_E, Verb.READ,     _ENV,     _KEY,     _REFUSE,  _PASS),
    Operation.CANCEL_PROPOSAL:     Row(_E, Verb.WRITE,    _ENV,     _KEY,     _PASS,    _PASS),
}
# fmt: on

LEVELS: dict[str, frozenset[Verb]] = {
    "client": frozenset({Verb.EVALUATE}),
    "observer": frozenset({Verb.READ}),
    "proposer": frozenset({Verb.READ, Verb.PROPOSE}),
    "operator": frozenset({Verb.READ, Verb.PROPOSE, Verb.TOGGLE}),
    "maintainer": frozenset({Verb.READ, Verb.PROPOSE, Verb.TOGGLE, Verb.WRITE, Verb.PROMOTE}),
    "admin": frozenset(Verb) - {Verb.EVALUATE},
}


@dataclass(frozen=True, slots=True)
class Target:
    """What was loaded, and the key as it was asked for.

    `role` is the caller's in the target's organisation (None for tokens); `environment_ids` are all of the
    project's; `protected` says whether what would change is a protected environment.
    """

    role: Role | None = None
    project_id: str | None = None
    environment_id: str | None = None
    environment_ids: frozenset[str] = frozenset()
    kind: Kind | None = None
    key: str | None = None
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Allow:
    """The operation may go on."""


@dataclass(frozen=True, slots=True)
class Divert:
    """The operation is allowed as a proposal."""


@dataclass(frozen=True, slots=True)
class Deny:
    """The operation is refused with the catalogue's `code`."""

    code: str
    fields: dict[str, str] = field(default_factory=dict)


Decision = Allow | Divert | Deny


def decide(actor: Actor, operation: Operation, target: Target) -> Decision:
    """The one answer. Each check can only narrow what the ones before it left."""
    row = TABLE[operation]
    for check in _CHECKS:
        if (denied := check(actor, row, target)) is not None:
            return denied
    return _approval(actor, row, target)


def _kind_of_caller(actor: Actor, row: Row, _: Target) -> Deny | None:
    if isinstance(actor, Token):
        return Deny("forbidden") if row.verb is None else None
    return None if isinstance(actor, Member) else Deny("unauthorized")


def _role(actor: Actor, row: Row, target: Target) -> Deny | None:
    if isinstance(actor, Token) or row.role is None:
        return None
    return None if target.role is not None and target.role.rank >= row.role.rank else Deny("insufficient_role")


def _token_scope(actor: Actor, row: Row, target: Target) -> Deny | None:
    if not isinstance(actor, Token):
        return None
    missing = {name: message for name, (holds, message) in _shortfalls(actor, row, target).items() if not holds}
    if len(missing) > 1:
        return Deny("scope_denied", missing)
    return next((Deny(_SPECIFIC[name]) for name in missing), None)


_CHECKS: tuple[Callable[[Actor, Row, Target], Deny | None], ...] = (_kind_of_caller, _role, _token_scope)

_SPECIFIC = {
    "action": "token_action_denied",
    "environment": "token_env_out_of_scope",
    "resource": "token_resource_out_of_scope",
}


def _shortfalls(token: Token, row: Row, target: Target) -> dict[str, tuple[bool, str]]:
    return {
        "action": (_has_verb(token, row), f"The token lacks the action {row.verb}."),
        "environment": (_covers(token, row.reach, target), "The token's environments do not cover this."),
        "resource": (_matches(token, row.resource, target), "The token's resources do not match this."),
    }


def _has_verb(token: Token, row: Row) -> bool:
    wanted = {row.verb}
    if row.verb is Verb.EVALUATE:
        wanted.add(Verb.READ)
    if token.approval_required and row.for_tokens is Approval.DIVERT:
        wanted.add(Verb.PROPOSE)
    return bool(wanted & token.actions)


def _covers(token: Token, reach: Reach, target: Target) -> bool:
    scope = token.scope
    if scope.org or (reach is not Reach.ORG and target.project_id in scope.projects):
        return True
    if reach is Reach.ENV:
        return target.environment_id in scope.environments
    return reach is Reach.ANY_ENV and not scope.environments.isdisjoint(target.environment_ids)


def _matches(token: Token, resource: Resource, target: Target) -> bool:
    if resource is Resource.ALL:
        return any(pattern.kind is None and pattern.text == "*" for pattern in token.resources)
    if resource is Resource.NONE or target.kind is None or target.key is None:
        return True
    return any(pattern.matches(target.kind, target.key) for pattern in token.resources)


def _approval(actor: Actor, row: Row, target: Target) -> Decision:
    duties = [row.protected if target.protected else Approval.PASS]
    if isinstance(actor, Token) and actor.approval_required:
        duties.append(row.for_tokens)
    if Approval.REFUSE in duties:
        return Deny("approval_not_supported")
    return Divert() if Approval.DIVERT in duties else Allow()
