"""Who did or does something."""

from enum import StrEnum
from typing import Any

import strawberry

from app.domain.actors import Role
from app.graphql.enums import describe

describe(
    Role,
    "Role",
    "A person's role in an organisation, lowest first.",
    {
        Role.VIEWER: "Reads everything and changes nothing.",
        Role.EDITOR: "Changes flags, configs and segments, and makes projects and environments.",
        Role.ADMIN: "Also manages tokens, invitations, settings and protection, and deletes.",
        Role.OWNER: "Also changes roles, removes members, breaks glass and deletes the organisation.",
    },
)


class ActorKind(StrEnum):
    MEMBER = "member"
    TOKEN = "token"  # noqa: S105
    SYSTEM = "system"


describe(
    ActorKind,
    "ActorKind",
    "What kind of caller an actor is.",
    {
        ActorKind.MEMBER: "A person.",
        ActorKind.TOKEN: "A machine with a token.",
        ActorKind.SYSTEM: "The service itself, or its operator at the command line.",
    },
)


@strawberry.type(description="Who did something, with the name as it was then.")
class Actor:
    """An actor as it was stored."""

    kind: ActorKind = strawberry.field(description="A person, a token, or the service itself.")
    id: str = strawberry.field(description="The id of the user or token.")
    name: str = strawberry.field(description="The name as it was then.")
    on_behalf_of: "Actor | None" = strawberry.field(description="The person who minted it, where it is a token.")

    @classmethod
    def of(cls, shown: dict[str, Any]) -> "Actor":
        minter = shown.get("onBehalfOf")
        return cls(
            kind=ActorKind(shown["kind"]),
            id=shown["id"],
            name=shown["name"],
            on_behalf_of=None if minter is None else cls.of(minter),
        )
