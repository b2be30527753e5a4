"""Who calls. An actor is known before anything is looked up; what it may do is decided by `policy`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain.primitives import Kind


class Role(StrEnum):
    """A person's role in an organisation, lowest first."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        """Position from 0 (viewer) to 3 (owner)."""
        return list(Role).index(self)


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
    """A caller without credentials."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person, signed in by the session cookie; `session_id` is the session's, not its secret."""

    user_id: str
    name: str
    session_id: str

    def shown(self) -> dict[str, Any]:
        """The actor as bodies and audit rows show it: the name as it is now."""
        return {"kind": "member", "id": self.user_id, "name": self.name}


@dataclass(frozen=True, slots=True)
class EnvironmentScope:
    """Where a token reaches: the whole organisation, whole projects, or single environments (ids)."""

    org: bool = False
    projects: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ResourcePattern:
    """`*`, a key, or a prefix (`payments.*` is the prefix `payments.`), for one kind or for all (None)."""

    kind: Kind | None
    text: str

    def matches(self, kind: Kind, key: str) -> bool:
        """Whether the primitive `key` of `kind` is within the pattern."""
        if self.kind not in (None, kind):
            return False
        return self.text in {"*", key} or (self.text.endswith(".*") and key.startswith(self.text[:-1]))


@dataclass(frozen=True, slots=True)
class Token:
    """A machine, known by its bearer token. The token is the organisation's and outlives its minter."""

    token_id: str
    name: str
    org_id: str
    actions: frozenset[Verb]
    scope: EnvironmentScope
    resources: tuple[ResourcePattern, ...]
    approval_required: bool
    minter: Member

    def shown(self) -> dict[str, Any]:
        """The actor as bodies and audit rows show it, with the person on whose behalf it was minted."""
        return {"kind": "token", "id": self.token_id, "name": self.name, "onBehalfOf": self.minter.shown()}


@dataclass(frozen=True, slots=True)
class System:
    """The service itself or its operator at the command line."""

    name: str = "signalbox"

    def shown(self) -> dict[str, Any]:
        """The actor as audit rows show it."""
        return {"kind": "system", "id": "system", "name": self.name}


Actor = Anonymous | Member | Token | System
