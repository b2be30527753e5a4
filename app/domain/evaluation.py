"""An environment's ruleset, ready to evaluate: an immutable snapshot of all states at one version."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

KILLED_BOOLEAN = False


@dataclass(frozen=True, slots=True)
class FlagState:
    """A flag as an environment holds it. `rules` is the JSON that was saved."""

    type: str
    default_value: Any
    killed: bool
    rules: tuple[Any, ...]

    def document(self) -> dict[str, Any]:
        """The flag's part of the ruleset document."""
        return {
            "type": self.type,
            "defaultValue": self.default_value,
            "killed": self.killed,
            "rules": list(self.rules),
        }


class Evaluation(NamedTuple):
    """What a key is for a context. `reason` is `{kind, …}` as callers see it."""

    value: Any
    default_value: Any
    reason: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CompiledRuleset:
    """All states of one environment at one version. Nobody changes one; a newer version is another object."""

    environment_id: str
    version: int
    target_id_field: str
    flags: Mapping[str, FlagState] = field(default_factory=dict)

    def keys(self) -> Iterable[str]:
        """The keys that can be evaluated."""
        return self.flags.keys()

    def evaluate(self, key: str, context: Mapping[str, Any]) -> Evaluation | None:  # noqa: ARG002
        """What `key` is for `context`, or None when there is no such key."""
        if (flag := self.flags.get(key)) is None:
            return None
        if flag.killed:
            value = KILLED_BOOLEAN if flag.type == "boolean" else flag.default_value
            return Evaluation(value, flag.default_value, {"kind": "killed"})
        return Evaluation(flag.default_value, flag.default_value, {"kind": "default"})

    def with_changes(
        self, version: int, target_id_field: str, changed: Mapping[str, FlagState], removed: Iterable[str]
    ) -> "CompiledRuleset":
        """The next snapshot: what did not change is shared with this one."""
        gone = set(removed)
        flags = {key: flag for key, flag in {**self.flags, **changed}.items() if key not in gone}
        return replace(self, version=version, target_id_field=target_id_field, flags=flags)

    def document(self) -> dict[str, Any]:
        """The ruleset document that callers read."""
        return {
            "environmentId": self.environment_id,
            "version": self.version,
            "targetIdField": self.target_id_field,
            "flags": {key: flag.document() for key, flag in self.flags.items()},
            "configs": {},
            "segments": {},
        }
