"""Rules: typed but for conditions and values, which are JSON."""

from typing import Any

import strawberry

from app.graphql.types.scalars import JSON


@strawberry.type(description="One entry of a split.")
class Share:
    value: JSON | None = strawberry.field(description="The value of this entry.")
    percent: float = strawberry.field(
        description="The percentage of the rule's contexts that get it; all entries sum to 100."
    )
    name: str | None = strawberry.field(description="The variant's name.")


@strawberry.type(description="A rule: the first whose condition holds and whose percentage admits decides.")
class Rule:
    if_: JSON | None = strawberry.field(
        name="if", description="The condition; null for always. The language is described at `/docs/rules`."
    )
    value: JSON | None = strawberry.field(
        description="The value that it gives; null where it has a split, and in segments."
    )
    split: list[Share] | None = strawberry.field(description="The values that it gives, by percentage.")
    rollout_percent: float | None = strawberry.field(
        description="The percentage of matching contexts that it admits; null for all."
    )
    seed: str | None = strawberry.field(
        description="The seed of its percentages; null for the key of its flag, config or segment."
    )
    bucket_by: str | None = strawberry.field(
        description="The context field that the ids for its percentages are taken from."
    )
    name: str | None = strawberry.field(
        description="Its name; no other rule of the same flag, config or segment has it."
    )
    description: str | None = strawberry.field(description="The description.")
    disabled: bool | None = strawberry.field(description="True: it is never tried. Null and false are the same.")

    @classmethod
    def of(cls, rule: dict[str, Any]) -> "Rule":
        split = rule.get("split")
        return cls(
            if_=rule.get("if"),
            value=rule.get("value"),
            split=split and [Share(value=one["value"], percent=one["percent"], name=one.get("name")) for one in split],
            rollout_percent=rule.get("rolloutPercent"),
            seed=rule.get("seed"),
            bucket_by=rule.get("bucketBy"),
            name=rule.get("name"),
            description=rule.get("description"),
            disabled=rule.get("disabled"),
        )
