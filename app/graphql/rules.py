"""Rules as they are sent: typed but for conditions and values, which are JSON."""

from typing import Any

import strawberry

from app.graphql.types.scalars import JSON


@strawberry.input(description="One entry of a split.")
class ShareInput:
    value: JSON | None = strawberry.field(default=strawberry.UNSET, description="The value of this entry.")
    percent: float = strawberry.field(
        description="The percentage of the rule's contexts that get it, to two decimals; all entries sum to 100."
    )
    name: str | None = strawberry.field(default=strawberry.UNSET, description="The variant's name.")


@strawberry.input(description="A rule. A flag's or config's has either a value or a split, a segment's has neither.")
class RuleInput:
    """A rule. Null for what is optional is the same as leaving it out."""

    if_: JSON | None = strawberry.field(
        name="if",
        default=strawberry.UNSET,
        description="The condition, passed as a variable; default always. The language is described at `/docs/rules`.",
    )
    value: JSON | None = strawberry.field(default=strawberry.UNSET, description="The value that it gives.")
    split: list[ShareInput] | None = strawberry.field(
        default=strawberry.UNSET, description="The values that it gives, by percentage."
    )
    rollout_percent: float | None = strawberry.field(
        default=strawberry.UNSET,
        description="The percentage of matching contexts that it admits, with at most two decimals; default all.",
    )
    seed: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The seed of its percentages; default the key of its flag, config or segment.",
    )
    bucket_by: str | None = strawberry.field(
        default=strawberry.UNSET, description="The context field that the ids for its percentages are taken from."
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="Its name; no other rule of the same flag, config or segment has it."
    )
    description: str | None = strawberry.field(default=strawberry.UNSET, description="The description.")
    disabled: bool | None = strawberry.field(
        default=strawberry.UNSET, description="With true it is never tried; default false."
    )


def rule_body(given: RuleInput | ShareInput) -> dict[str, Any]:
    """The rule, or the share of its split, as REST would have been sent it."""
    members = {name: getattr(given, attribute) for name, attribute in _ATTRIBUTES if hasattr(given, attribute)}
    body = {
        name: value
        for name, value in members.items()
        if value is not strawberry.UNSET and (value is not None or name == "value")
    }
    if isinstance(given, RuleInput) and given.split:
        body["split"] = [rule_body(share) for share in given.split]
    return {name: _shortest(value) if name in _PERCENTS else value for name, value in body.items()}


_PERCENTS = {"percent", "rolloutPercent"}


_ATTRIBUTES = (
    ("if", "if_"),
    ("value", "value"),
    ("split", "split"),
    ("rolloutPercent", "rollout_percent"),
    ("percent", "percent"),
    ("seed", "seed"),
    ("bucketBy", "bucket_by"),
    ("name", "name"),
    ("description", "description"),
    ("disabled", "disabled"),
)


def _shortest(number: float) -> float:
    """GraphQL makes 25 a double; REST stores what was written."""
    return int(number) if number.is_integer() else number
