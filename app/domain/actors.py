"""Callers. The actor is known before anything is loaded; `policy` decides what it may do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from app.engine.kinds import Kind

NO_CREDENTIALS = "No credentials were sent. Send a token as `Authorization: Bearer sbx_…`, or sign in."
SESSION_ENDED = "The session has ended. Sign in again."
API_KEY_ENDED = "The token is unknown, revoked or expired."


class Role(StrEnum):
    """A person's role in an organisation, lowest first. `rank` is its position from 0 (viewer) to 3 (owner)."""

    rank: int

    def __new__(cls, word: str) -> Self:
        role = str.__new__(cls, word)
        role._value_ = word
        role.rank = len(cls.__members__)
        return role

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"


def roles_from(lowest: Role | None) -> list[Role]:
    """The role and the higher ones; all where there is no lowest."""
    return [role for role in Role if lowest is None or role.rank >= lowest.rank]


class Verb(StrEnum):
    """What a token may do. `read` includes `evaluate`."""

    EVALUATE = "evaluate"
    READ = "read"
    PROPOSE = "propose"
    WRITE = "write"
    TOGGLE = "toggle"
    PROMOTE = "promote"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Anonymous:
    """A caller without credentials that count. `reason` tells them why they are refused what needs some."""

    reason: str = NO_CREDENTIALS


@dataclass(frozen=True, slots=True)
class Person:
    """A user, with the name at the time of the action."""

    user_id: str
    name: str

    def as_json(self) -> dict[str, Any]:
        """As in bodies and audit rows."""
        return {"kind": "member", "id": self.user_id, "name": self.name}


@dataclass(frozen=True, slots=True)
class Member(Person):
    """A person signed in by the session cookie. `session_id` is the id, not the secret.

    `proven`: a mailed link or the claim code has shown that the mailbox is theirs. Until then whoever invited them may
    be acting in their name.
    """

    session_id: str
    proven: bool

    def as_json(self) -> dict[str, Any]:
        """As in audit rows; bodies leave `unproven` out."""
        shown = super(Member, self).as_json()
        return shown if self.proven else {**shown, "unproven": True}


@dataclass(frozen=True, slots=True)
class EnvironmentScope:
    """What a token covers: the whole organisation, whole projects, or environments, by id."""

    org: bool = False
    projects: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()

    @property
    def only_environment(self) -> str | None:
        """The environment of a token that covers exactly one."""
        if self.org or self.projects or len(self.environments) != 1:
            return None
        (environment,) = self.environments
        return environment


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """`*`, a key, or a prefix (`payments.*` is the prefix `payments.`), for one kind or for all (None)."""

    kind: Kind | None
    text: str

    @classmethod
    def parse(cls, text: str) -> "ResourcePattern":
        kind, colon, rest = text.rpartition(":")
        return cls(Kind(kind) if colon else None, rest)

    @property
    def everything(self) -> bool:
        """Whether this is the plain `*`."""
        return self.kind is None and self.text == "*"

    @property
    def prefix(self) -> str | None:
        """What matching keys begin with, including the dot; None for `*` and for a whole key."""
        return self.text[:-1] if self.text.endswith(".*") else None

    def matches(self, kind: Kind, key: str) -> bool:
        if self.kind is not None and self.kind is not kind:
            return False
        return self.text in ("*", key) or (self.text.endswith(".*") and key.startswith(self.text[:-1]))


@dataclass(frozen=True, slots=True)
class Token:
    """A program, authenticated by a token. The token belongs to the organisation and outlives its creator."""

    token_id: str
    name: str
    org_id: str
    actions: frozenset[Verb]
    scope: EnvironmentScope
    resources: tuple[ResourcePattern, ...]
    approval_required: bool
    minter: Person

    def as_json(self) -> dict[str, Any]:
        """As in bodies and audit rows, with the person who created the token."""
        return {"kind": "token", "id": self.token_id, "name": self.name, "onBehalfOf": self.minter.as_json()}


@dataclass(frozen=True, slots=True)
class System:
    """The service itself, or its operator at the command line."""

    name: str = "signalbox"

    def as_json(self) -> dict[str, Any]:
        return {"kind": "system", "id": "system", "name": self.name}


Actor = Anonymous | Member | Token | System
