"""THE policy: may this actor do this operation on this target? One table, one pure function.

Services reach it through `access.entry` and `access.batches` only; the README's matrix, list filters and
GraphQL's `viewerCan` and `viewerCannot` are derived from the same rows. It looks at nothing but its arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto

from app.domain.actors import Actor, Member, Role, Token, Verb
from app.domain.operations import Operation, ResourceType
from app.engine.kinds import SPECS, Kind


class Reach(Enum):
    """What a token's environment scope must cover."""

    ORG = "org"
    PROJECT = "project"
    ENV = "env"
    ANY_ENV = "any env"  # any environment of the project
    ANYWHERE = "anywhere"  # whatever is covered is what the answer holds


class Resource(Enum):
    """What a token's resource patterns must cover."""

    NONE = ""
    KEY = "resource"  # the primitive's key as asked for
    ALL = "`*`"  # only `*` does


class Approval(Enum):
    """What a duty of approval does to the operation."""

    PASS = auto()
    DIVERT = auto()
    REFUSE = auto()  # it would have to be diverted, and cannot be


class Proposer(Enum):
    """What it means for an operation on a proposal that the caller has made it. In a protected environment whoever
    minted a token is behind what it does."""

    ANYBODY = auto()  # nothing
    NEVER = auto()  # it is refused
    UNPROTECTED = auto()  # it is refused to the token itself, and in a protected environment to the person behind
    ALWAYS = auto()  # it is allowed, whatever the role and the scope


class OfChange(StrEnum):
    """Takes the place of a verb where it is that of the operation that a proposal stands for."""

    VERB = "the change's own"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `role` None: any user; `verb` None: for sessions only.

    `proven`: what is done would outlive whoever may be acting in somebody's name, so a person must have shown that the
    mailbox is theirs. `kinds` are those of primitives that have the operation at all.
    """

    target: ResourceType
    role: Role | None
    verb: Verb | OfChange | None
    reach: Reach
    resource: Resource
    for_tokens: Approval  # what `approvalRequired` does to a token's call
    protected: Approval  # what a protected environment does to anybody's call
    proven: bool = False
    kinds: frozenset[Kind] = frozenset(Kind)
    proposer: Proposer = Proposer.ANYBODY


_R = ResourceType
_V, _E, _A, _O = Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER
_ORG, _PROJECT, _ENV, _ANY, _SOME = Reach.ORG, Reach.PROJECT, Reach.ENV, Reach.ANY_ENV, Reach.ANYWHERE
_NO, _KEY, _ALL = Resource.NONE, Resource.KEY, Resource.ALL
_PASS, _DIVERT, _REFUSE = Approval.PASS, Approval.DIVERT, Approval.REFUSE
_U, _SESSION, _PROVEN = None, None, True  # any user; no verb; the mailbox
_EVALUATE, _READ, _WRITE, _TOGGLE, _DELETE = Verb.EVALUATE, Verb.READ, Verb.WRITE, Verb.TOGGLE, Verb.DELETE
_PROMOTE, _PROPOSE, _OWN = Verb.PROMOTE, Verb.PROPOSE, OfChange.VERB
_FLAGS = frozenset(kind for kind, spec in SPECS.items() if spec.can_be_killed)

# fmt: off
TABLE: dict[Operation, Row] = {
    #                                  on what         role verb      reach     key   token's  protected mailbox
    #                                                                              approval environment
    Operation.EVALUATE:            Row(_R.ENVIRONMENT, _V, _EVALUATE, _ENV,     _KEY, _PASS,   _PASS),
    Operation.LIST_PROJECTS:       Row(_R.ORG,         _V, _READ,     _SOME,    _NO,  _PASS,   _PASS),
    Operation.READ_PROJECT:        Row(_R.PROJECT,     _V, _READ,     _ANY,     _NO,  _PASS,   _PASS),
    Operation.READ_PRIMITIVE:      Row(_R.PRIMITIVE,   _V, _READ,     _ANY,     _KEY, _PASS,   _PASS),
    Operation.READ_ENVIRONMENT:    Row(_R.ENVIRONMENT, _V, _READ,     _ENV,     _NO,  _PASS,   _PASS),
    Operation.READ_STATE:          Row(_R.STATE,       _V, _READ,     _ENV,     _KEY, _PASS,   _PASS),
    Operation.READ_ORG:            Row(_R.ORG,         _V, _READ,     _ORG,     _ALL, _PASS,   _PASS),
    Operation.CREATE_ORG:          Row(_R.INSTANCE,    _U, _SESSION,  _ORG,     _NO,  _PASS,   _PASS, _PROVEN),
    Operation.LEAVE_ORG:           Row(_R.ORG,         _V, _SESSION,  _ORG,     _NO,  _PASS,   _PASS),
    Operation.UPDATE_ORG:          Row(_R.ORG,         _A, _SESSION,  _ORG,     _NO,  _PASS,   _PASS),
    Operation.MANAGE_TOKENS:       Row(_R.ORG,         _A, _SESSION,  _ORG,     _NO,  _PASS,   _PASS, _PROVEN),
    Operation.MANAGE_INVITATIONS:  Row(_R.ORG,         _A, _SESSION,  _ORG,     _NO,  _PASS,   _PASS, _PROVEN),
    Operation.ACCEPT_INVITATION:   Row(_R.INSTANCE,    _U, _SESSION,  _ORG,     _NO,  _PASS,   _PASS, _PROVEN),
    Operation.PROTECT_ENVIRONMENT: Row(_R.ENVIRONMENT, _A, _SESSION,  _PROJECT, _NO,  _PASS,   _REFUSE),
    Operation.SET_TARGET_ID_FIELD: Row(_R.PROJECT,     _A, _SESSION,  _PROJECT, _NO,  _PASS,   _REFUSE),
    Operation.CHANGE_ROLE:         Row(_R.ORG,         _O, _SESSION,  _ORG,     _NO,  _PASS,   _PASS, _PROVEN),
    Operation.REMOVE_MEMBER:       Row(_R.ORG,         _O, _SESSION,  _ORG,     _NO,  _PASS,   _PASS),
    Operation.DELETE_ORG:          Row(_R.ORG,         _O, _SESSION,  _ORG,     _NO,  _PASS,   _REFUSE),
    Operation.BREAK_GLASS:         Row(_R.ENVIRONMENT, _O, _SESSION,  _PROJECT, _NO,  _PASS,   _PASS),
    Operation.CREATE_PROJECT:      Row(_R.ORG,         _E, _WRITE,    _ORG,     _NO,  _REFUSE, _PASS),
    Operation.UPDATE_PROJECT:      Row(_R.PROJECT,     _E, _WRITE,    _PROJECT, _NO,  _REFUSE, _PASS),
    Operation.CREATE_ENVIRONMENT:  Row(_R.PROJECT,     _E, _WRITE,    _PROJECT, _NO,  _REFUSE, _PASS),
    Operation.UPDATE_ENVIRONMENT:  Row(_R.ENVIRONMENT, _E, _WRITE,    _PROJECT, _NO,  _REFUSE, _PASS),
    Operation.SET_SPOT_CHECKS:     Row(_R.ENVIRONMENT, _E, _WRITE,    _ENV,     _NO,  _REFUSE, _PASS),
    Operation.SET_TRAFFIC_SAMPLE:  Row(_R.ENVIRONMENT, _A, _SESSION,  _ENV,     _NO,  _PASS,   _PASS),
    Operation.DELETE_PROJECT:      Row(_R.PROJECT,     _A, _DELETE,   _PROJECT, _NO,  _REFUSE, _REFUSE),
    Operation.DELETE_ENVIRONMENT:  Row(_R.ENVIRONMENT, _A, _DELETE,   _PROJECT, _NO,  _REFUSE, _REFUSE),
    Operation.CREATE_PRIMITIVE:    Row(_R.PROJECT,     _E, _WRITE,    _PROJECT, _KEY, _REFUSE, _PASS),
    Operation.UPDATE_PRIMITIVE:    Row(_R.PRIMITIVE,   _E, _WRITE,    _PROJECT, _KEY, _REFUSE, _PASS),
    Operation.DELETE_PRIMITIVE:    Row(_R.PRIMITIVE,   _E, _DELETE,   _PROJECT, _KEY, _DIVERT, _DIVERT),
    Operation.UPDATE_STATE:        Row(_R.STATE,       _E, _WRITE,    _ENV,     _KEY, _DIVERT, _DIVERT),
    Operation.KILL:                Row(_R.STATE,       _E, _TOGGLE,   _ENV,     _KEY, _DIVERT, _PASS, kinds=_FLAGS),
    Operation.RESTORE:             Row(_R.STATE,       _E, _TOGGLE,   _ENV,     _KEY, _DIVERT, _DIVERT, kinds=_FLAGS),
    Operation.PROMOTE:             Row(_R.STATE,       _E, _PROMOTE,  _ENV,     _KEY, _DIVERT, _DIVERT),
    Operation.PROPOSE:             Row(_R.STATE,       _E, _PROPOSE,  _ENV,     _KEY, _PASS,   _PASS),
    Operation.LIST_PROPOSALS:      Row(_R.INSTANCE,    _U, _READ,     _SOME,    _NO,  _PASS,   _PASS),
    Operation.REVIEW_PROPOSAL:     Row(_R.PROPOSAL,    _E, _SESSION,  _ENV,     _KEY, _PASS,   _PASS, _PROVEN,
                                       proposer=Proposer.NEVER),
    Operation.APPLY_PROPOSAL:      Row(_R.PROPOSAL,    _E, _OWN,      _ENV,     _KEY, _PASS,   _PASS, _PROVEN,
                                       proposer=Proposer.UNPROTECTED),
    Operation.CANCEL_PROPOSAL:     Row(_R.PROPOSAL,    _E, _WRITE,    _ENV,     _KEY, _PASS,   _PASS,
                                       proposer=Proposer.ALWAYS),
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
class AskedKey:
    """A primitive as it was asked for, existing or not: what `kinds` it may be, and where the call names it."""

    kinds: tuple[Kind, ...]
    key: str
    path: str = "resource"


@dataclass(frozen=True, slots=True)
class Proposed:
    """Who has made a proposal: an actor's id, and that of the person behind; and the verb of what it changes.

    Behind a token is whoever minted it, behind somebody whose mailbox is not proven whoever invited them.
    """

    by: str = ""
    person: str = ""
    verb: Verb = Verb.WRITE


NO_PROPOSAL = Proposed()


@dataclass(frozen=True, slots=True)
class Target:
    """What was loaded, and the keys as they were asked for.

    `role` is the caller's in the target's organisation (None for tokens); `environment_ids` are all of the
    project's; `protected` says whether what would change is a protected environment. `proposed` is about a proposal.
    """

    role: Role | None = None
    project_id: str | None = None
    environment_id: str | None = None
    environment_ids: frozenset[str] = frozenset()
    asked: tuple[AskedKey, ...] = ()
    protected: bool = False
    proposed: Proposed = NO_PROPOSAL


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
    message: str | None = None


Decision = Allow | Divert | Deny
_ALLOW, _DIVERTED = Allow(), Divert()
RESOURCE_MISMATCH = "The token's resources do not match this."
UNPROVEN = (
    "You came by an invitation's link, which whoever invited you could open too. "
    "Ask for a sign-in link and use it, which shows that the mailbox is yours; then try again."
)
OWN_PROPOSAL = "You, or a token that you created, have proposed this change: it takes another person."


def decide(actor: Actor, operation: Operation, target: Target) -> Decision:
    """The one answer. Each check can only narrow what the ones before it left."""
    row = TABLE[operation]
    if row.proposer is Proposer.ALWAYS and _id_of(actor) == target.proposed.by:
        return _ALLOW
    for check in _CHECKS:
        if (denied := check(actor, row, target)) is not None:
            return denied
    return _approval(actor, row, target)


def operations_on(thing: ResourceType, target: Target) -> dict[Operation, Target]:
    """Everything that can be done to the target, of a primitive what its kind has, and what each is decided on.

    In the table's order.
    """
    # Protecting more is not held back by protection; protecting less requires `breakGlass`.
    unprotected = replace(target, protected=False)
    kinds = {kind for asked in target.asked for kind in asked.kinds} or set(Kind)
    operations = _OF_PARTS.get(thing) or [operation for operation, row in TABLE.items() if row.target is thing]
    return {
        operation: unprotected if operation is Operation.PROTECT_ENVIRONMENT else target
        for operation in operations
        if not TABLE[operation].kinds.isdisjoint(kinds)
    }


# Parts of an organisation: their rows are about all of its parts of that sort, so they are the organisation's.
_OF_PARTS = {
    ResourceType.MEMBER: (Operation.LEAVE_ORG, Operation.CHANGE_ROLE, Operation.REMOVE_MEMBER),
    ResourceType.INVITATION: (Operation.MANAGE_INVITATIONS,),
    ResourceType.API_KEY: (Operation.MANAGE_TOKENS,),
}


def may_still_grant(role: Role | None, operation: Operation, granted: Role) -> bool:
    """Whether somebody who has the role now (None: who is no member) could do what once granted the other role.

    What a person has granted ends with the power to grant it.
    """
    needed = TABLE[operation].role
    return role is not None and needed is not None and role.rank >= max(needed.rank, granted.rank)


def sees_rule_names(actor: Actor) -> bool:
    """Whether reasons may show the names of rules, which say more than a public browser should know."""
    return not isinstance(actor, Token) or Verb.READ in actor.actions


def _kind_of_caller(actor: Actor, row: Row, _: Target) -> Deny | None:
    if isinstance(actor, Token):
        return (
            Deny("forbidden", message="This operation is for people only; tokens cannot use it.")
            if row.verb is None
            else None
        )
    return None if isinstance(actor, Member) else Deny("unauthorized")


def _role(actor: Actor, row: Row, target: Target) -> Deny | None:
    if isinstance(actor, Token) or row.role is None:
        return None
    return None if target.role is not None and target.role.rank >= row.role.rank else Deny("insufficient_role")


def _mailbox(actor: Actor, row: Row, _: Target) -> Deny | None:
    unproven = isinstance(actor, Member) and not actor.proven
    return Deny("forbidden", message=UNPROVEN) if row.proven and unproven else None


def _token_scope(actor: Actor, row: Row, target: Target) -> Deny | None:
    if not isinstance(actor, Token):
        return None
    fields = {}
    if (verb := _missing_verb(actor, row, target)) is not None:
        fields["action"] = f"The token lacks the action {verb}."
    if not _covers(actor, row.reach, target):
        of_project = row.reach is Reach.ENV and target.environment_id is None  # a proposal to delete
        place = REACHES[Reach.PROJECT if of_project else row.reach]
        fields["environment"] = f"The token's environments do not cover {place}."
    if refused := _refused(actor, row.resource, target):
        fields |= dict.fromkeys(refused, RESOURCE_MISMATCH)
    return _shortfall(fields, several=len(target.asked) > 1) if fields else None


def _own_proposal(actor: Actor, row: Row, target: Target) -> Deny | None:
    """What callers may not do to proposals that they made, or that a token made for them."""
    if row.proposer not in {Proposer.NEVER, Proposer.UNPROTECTED}:
        return None
    proposed, message = target.proposed, None
    person = actor.minter.user_id if isinstance(actor, Token) else _id_of(actor)
    if isinstance(actor, Token) and actor.approval_required:
        message = "A token whose own changes require approval cannot apply any."
    elif isinstance(actor, Token) and actor.token_id == proposed.by:
        message = "The token has proposed this change itself."
    elif person in {proposed.person, proposed.by} and (target.protected or row.proposer is Proposer.NEVER):
        message = OWN_PROPOSAL
    return None if message is None else Deny("forbidden", message=message)


def _id_of(actor: Actor) -> str | None:
    match actor:
        case Member(user_id=id) | Token(token_id=id):
            return id
    return None


def _shortfall(fields: dict[str, str], *, several: bool) -> Deny:
    """The specific code of the one thing that is missing, or all of them by name."""
    (name, message), *more = fields.items()
    if more or (several and name not in _SPECIFIC):
        return Deny("scope_denied", fields)
    return Deny(_SPECIFIC.get(name, "token_resource_out_of_scope"), message=message)


_CHECKS: tuple[Callable[[Actor, Row, Target], Deny | None], ...] = (
    _kind_of_caller,
    _role,
    _mailbox,
    _token_scope,
    _own_proposal,
)

_SPECIFIC = {"action": "token_action_denied", "environment": "token_env_out_of_scope"}
REACHES = {
    Reach.ORG: "the whole organisation",
    Reach.PROJECT: "the whole project",
    Reach.ENV: "this environment",
    Reach.ANY_ENV: "any environment of this project",
    Reach.ANYWHERE: "anything",
}


def verb_of(row: Row, target: Target) -> Verb | None:
    """What a token must be allowed to do; None: it cannot."""
    return target.proposed.verb if isinstance(row.verb, OfChange) else row.verb


def _missing_verb(token: Token, row: Row, target: Target) -> Verb | None:
    """The verb that the token would need, if it has none that will do."""
    verb = verb_of(row, target)
    if verb is None or verb in token.actions:
        return None
    if verb is Verb.EVALUATE and Verb.READ in token.actions:
        return None
    proposes = token.approval_required and row.for_tokens is Approval.DIVERT and Verb.PROPOSE in token.actions
    return None if proposes else verb


def _covers(token: Token, reach: Reach, target: Target) -> bool:
    scope = token.scope
    if scope.org or reach is Reach.ANYWHERE or (reach is not Reach.ORG and target.project_id in scope.projects):
        return True
    if reach is Reach.ENV:
        return target.environment_id in scope.environments
    return reach is Reach.ANY_ENV and not scope.environments.isdisjoint(target.environment_ids)


def _refused(token: Token, resource: Resource, target: Target) -> list[str]:
    """Where the call names what the token's resources do not match."""
    if resource is Resource.ALL:
        return [] if any(pattern.everything for pattern in token.resources) else ["resource"]
    if resource is Resource.NONE:
        return []
    return [asked.path for asked in target.asked if not _matches(token, asked)]


def _matches(token: Token, asked: AskedKey) -> bool:
    for pattern in token.resources:  # no generator: this is on the way of every evaluation
        for kind in asked.kinds:
            if pattern.matches(kind, asked.key):
                return True
    return False


def _approval(actor: Actor, row: Row, target: Target) -> Decision:
    of_place = row.protected if target.protected else Approval.PASS
    of_caller = row.for_tokens if isinstance(actor, Token) and actor.approval_required else Approval.PASS
    duties = (of_place, of_caller)
    if Approval.REFUSE in duties:
        return Deny("approval_not_supported")
    return _DIVERTED if Approval.DIVERT in duties else _ALLOW
