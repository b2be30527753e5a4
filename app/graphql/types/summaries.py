"""What states come to, without their rules."""

from typing import Any, Self

import strawberry

from app.access.summaries import summary_of
from app.engine.summaries import SummaryKind
from app.graphql.context import Info
from app.graphql.types.values import stored
from app.store import json_columns
from app.store.states import Current


@strawberry.type(description="What a state comes to.")
class Summary:
    kind: SummaryKind = strawberry.field(description="In a word.")
    rules: int = strawberry.field(description="How many of its rules are not disabled.")
    percent: float | None = strawberry.field(description="The percentage of everyone, where the kind is PERCENT.")
    text: str = strawberry.field(description="In one sentence.")

    @classmethod
    def of(cls, info: Info, current: Current) -> Self:
        rules, value = current.state.rules, current.state.default_value
        default_value = None if value is None else stored(info, json_columns.value, value)
        summary = summary_of(current, stored(info, json_columns.rules, rules), default_value)
        return cls(**summary._asdict(), **cls.own_members(current))

    @classmethod
    def own_members(cls, _: Current) -> dict[str, Any]:
        """What is shown in addition."""
        return {}


@strawberry.type(description="What the state in an environment comes to.")
class EnvironmentSummary(Summary):
    environment_id: strawberry.ID = strawberry.field(description="The environment.")

    @classmethod
    def own_members(cls, current: Current) -> dict[str, Any]:
        return {"environment_id": strawberry.ID(current.state.environment_id)}
