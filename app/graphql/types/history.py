"""What a context received between two instants."""

import strawberry

from app.engine.history import Entry
from app.engine.history import History as Found
from app.engine.kinds import ConfigType
from app.graphql.pace import lazily
from app.graphql.types.evaluation import Reason
from app.graphql.types.scalars import JSON, Time


@strawberry.type(description="What a key was from an instant on.")
class HistoryEntry:
    as_of: Time = strawberry.field(description="Since when.")
    version: int = strawberry.field(description="The version that was in force.")
    value: JSON | None = strawberry.field(description="The value; null where the key was not there.")
    reason: Reason | None = strawberry.field(description="Why; null where the key was not there.")

    @classmethod
    def of(cls, entry: Entry) -> "HistoryEntry":
        at, version, outcome = entry
        return cls(
            as_of=Time(at),
            version=version,
            value=None if outcome is None else JSON(outcome.value),
            reason=None if outcome is None else Reason.of(outcome.reason),
        )


@strawberry.type(description="A key, and what it was.")
class KeyHistory:
    key: str = strawberry.field(description="The key.")
    type: ConfigType | None = strawberry.field(
        description="What its values are, or were last; null if it was not there."
    )
    found: strawberry.Private[list[Entry]]

    @strawberry.field(description="An entry for each change of its value or reason, oldest first.")
    def entries(self) -> list[HistoryEntry]:
        return lazily(self.found, HistoryEntry.of)


@strawberry.type(description="What a context received.")
class History:
    truncated: bool = strawberry.field(description="Whether it ends early, because it is too much.")
    found: strawberry.Private[Found]

    @strawberry.field(description="An entry for each key.")
    def primitives(self) -> list[KeyHistory]:
        types = self.found.types
        return lazily(
            list(self.found.entries.items()),
            lambda one: KeyHistory(
                key=one[0], type=ConfigType(types[one[0]]) if one[0] in types else None, found=one[1]
            ),
        )
