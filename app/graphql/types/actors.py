"""The actor of a call or of a change."""

from typing import Any

import strawberry

from app.graphql.types.enums import ActorKind
from app.models import User


@strawberry.type(description="The member who looks after a flag, config or segment.")
class Maintainer:
    user_id: strawberry.ID = strawberry.field(description="The id of the user.")
    name: str = strawberry.field(description="The display name.")

    @classmethod
    def of(cls, user: User) -> "Maintainer":
        return cls(user_id=strawberry.ID(user.id), name=user.display_name)


@strawberry.type(description="Who did something, with the name as it was then.")
class Actor:
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
