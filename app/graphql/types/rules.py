"""Rules in GraphQL: typed but for conditions and values, which are JSON."""

from typing import Any

import strawberry

from app.graphql.types.scalars import JSON


@strawberry.type(description="One entry of a split.")
class Share:
    value: JSON | None = strawberry.field(description="The value of this entry.")
    percent: float = strawberry.field(description="Its part of those whom the rule takes; all entries sum to 100.")
    name: str | None = strawberry.field(description="The variant's name.")


@strawberry.type(description="A rule: the first whose condition holds and whose percentage admits decides.")
class Rule:
    if_: JSON | None = strawberry.field(name="if", description="The condition; null: always.")
    value: JSON | None = strawberry.field(description="The value that it gives, where it has no split.")
    split: list[Share] | None = strawberry.field(description="The values that it deals out by percent.")
    rollout_percent: float | None = strawberry.field(description="How many of those for whom it holds; null: all.")
    seed: str | None = strawberry.field(description="What percentages are reckoned from, beside the id.")
    bucket_by: str | None = strawberry.field(description="The context field that ids are taken from here.")
    name: str | None = strawberry.field(description="Its name, unique in the flag.")
    description: str | None = strawberry.field(description="What it is for.")

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
        )
