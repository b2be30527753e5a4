"""The ruleset and evaluation."""

from collections.abc import Mapping
from typing import Any

import strawberry

from app.engine.evaluation import Evaluation as Outcome
from app.engine.ruleset import Ruleset as CompiledAndEncoded
from app.graphql.types.enums import ReasonKind
from app.graphql.types.scalars import JSON


@strawberry.type(description="Why a value is what it is.")
class Reason:
    kind: ReasonKind = strawberry.field(description="What decided.")
    rule_index: int | None = strawberry.field(description="Which rule decided, from 0.")
    rule_name: str | None = strawberry.field(description="The rule's name, where it has one.")
    variant: str | None = strawberry.field(description="The name of the split's entry, where it has one.")
    trace: JSON | None = strawberry.field(
        description="How each rule was evaluated, if `verboseReason` is set: a list of what OpenAPI calls `Trace`."
    )
    truncated: bool | None = strawberry.field(description="Whether the traces ended early, at 10,000 nodes.")

    @classmethod
    def of(cls, reason: Mapping[str, Any]) -> "Reason":
        return cls(
            kind=ReasonKind(reason["kind"]),
            rule_index=reason.get("ruleIndex"),
            rule_name=reason.get("ruleName"),
            variant=reason.get("variant"),
            trace=reason.get("trace"),
            truncated=reason.get("truncated"),
        )


@strawberry.type(description="The value of a key for a context.")
class Evaluation:
    value: JSON | None = strawberry.field(description="The value for the context.")
    default_value: JSON | None = strawberry.field(description="The value where no rule decides.")
    reason: Reason = strawberry.field(description="Why.")

    @classmethod
    def of(cls, found: Outcome) -> "Evaluation":
        return cls(value=JSON(found.value), default_value=JSON(found.default_value), reason=Reason.of(found.reason))


@strawberry.type(description="A key and its evaluation.")
class KeyedEvaluation:
    key: str = strawberry.field(description="The key.")
    evaluation: Evaluation | None = strawberry.field(description="The evaluation; null for an unknown key.")


@strawberry.type(description="The values of an environment's keys for a context, at one version.")
class Evaluations:
    environment_id: strawberry.ID = strawberry.field(description="The environment.")
    version: int = strawberry.field(description="The version that answered.")
    evaluations: list[KeyedEvaluation] = strawberry.field(description="An entry for each key asked for.")


@strawberry.type(description="Keys that the ruleset of the earlier version had, and this one has not.")
class RemovedKeys:
    flags: list[str] = strawberry.field(description="The keys of flags.")
    configs: list[str] = strawberry.field(description="The keys of configs.")
    segments: list[str] = strawberry.field(description="The keys of segments.")


@strawberry.type(
    description="All states of an environment at one version, as SDKs read them; with `since` those that have changed."
)
class Ruleset:
    environment_id: strawberry.ID = strawberry.field(description="The environment.")
    version: int = strawberry.field(description="Its version.")
    target_id_field: str = strawberry.field(description="The context field that ids are taken from.")
    since: int | None = strawberry.field(
        description="The version that the ruleset differs from in what is shown; null if everything is shown."
    )
    removed: RemovedKeys | None = strawberry.field(description="What has gone since then; null if everything is shown.")
    flags: JSON = strawberry.field(description="An object of flags by key.")
    configs: JSON = strawberry.field(description="An object of configs by key.")
    segments: JSON = strawberry.field(description="An object of segments by key.")

    @classmethod
    def of(cls, ruleset: CompiledAndEncoded, members: dict[str, Any]) -> "Ruleset":
        """`members` are those of its document."""
        return cls(
            environment_id=strawberry.ID(ruleset.environment_id),
            version=ruleset.version,
            target_id_field=ruleset.target_id_field,
            since=members.get("since"),
            removed=None if "removed" not in members else RemovedKeys(**members["removed"]),
            flags=members["flags"],
            configs=members["configs"],
            segments=members["segments"],
        )
