"""The result of evaluating a flag or config: its value and the reason for it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

Reason = Mapping[str, Any]
"""`{kind, …}` as callers see it: a plain dict, ready to send, shared by all calls and never changed."""

DEFAULT: Final[Reason] = {"kind": "default"}
KILLED: Final[Reason] = {"kind": "killed"}


class Evaluation(NamedTuple):
    """One outcome. All possible outcomes of a primitive are created when it is compiled."""

    value: Any
    default_value: Any
    reason: Reason


@lru_cache(maxsize=4096)
def rule_match(index: int, rule_name: str | None, variant: str | None = None) -> Reason:
    """The reason for the value of rule `index`. Cached, because most rules have no name and share their reasons."""
    reason: dict[str, Any] = {"kind": "rule_match", "ruleIndex": index}
    if rule_name is not None:
        reason["ruleName"] = rule_name
    if variant is not None:
        reason["variant"] = variant
    return reason
