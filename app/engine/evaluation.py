"""The result of evaluating a flag or config: its value and the reason for it."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from app.engine import json_text
from app.engine.states import PrimitiveState

Reason = Mapping[str, Any]
"""`{kind, …}` as callers see it: a plain dict, ready to send, shared by all calls and never changed."""

DEFAULT: Final[Reason] = {"kind": "default"}
KILLED: Final[Reason] = {"kind": "killed"}
MAX_KEPT = 2048
"""The most bytes of an encoded form that is kept; longer ones are made each time."""


MAX_SHOWN = 256
"""The most bytes of a value that is told with what it was counted for; of longer ones there is only the digest."""


class OutcomeText(NamedTuple):
    """What tells an outcome of a flag or config from its others, as text: digests of it and of its value, its reason,
    and its value unless that is long."""

    id: str
    value_id: str
    reason: str
    value: str | None


class Evaluation:
    """One outcome. Each primitive has its own, which are made once, and are the same objects for all calls.

    Its encoded forms are None until they are first asked for. `member` is its part of the answer of REST,
    `"key":{"value":…,"defaultValue":…,"reason":…}`, and `nameless_member` the same for those who may not see what rules
    are called; `ofrep` is the object of OpenFeature's remote evaluation protocol.
    """

    __slots__ = ("_text", "member", "nameless_member", "ofrep", "reason", "state", "value")

    def __init__(self, state: PrimitiveState, value: Any, reason: Reason) -> None:
        self.state = state
        self.value = value
        self.reason = reason
        self.member: bytes | None = None
        self.nameless_member: bytes | None = None
        self.ofrep: bytes | None = None
        self._text: OutcomeText | None = None

    @property
    def default_value(self) -> Any:
        return self.state.default_value

    def with_reason(self, reason: Reason) -> "Evaluation":
        """The same outcome, for another reason."""
        return Evaluation(self.state, self.value, reason)

    def text(self) -> OutcomeText:
        """What it is counted as. Made once."""
        if self._text is None:
            value, reason = json_text.encode(self.value), json_text.encode(self.reason)
            shown = value if len(value.encode()) <= MAX_SHOWN else None
            self._text = OutcomeText(_digest(reason + value), _digest(value), reason, shown)
        return self._text

    def make_member(self) -> bytes:
        """Encodes `member`, and keeps it unless it is long."""
        encoded = self._encode(self.reason)
        if len(encoded) <= MAX_KEPT:
            self.member = encoded
        return encoded

    def make_nameless_member(self) -> bytes:
        """Encodes `nameless_member`, and keeps it unless it is long."""
        if "ruleName" in self.reason:
            encoded = self._encode(nameless(self.reason))
        else:
            encoded = self.member or self.make_member()
        if len(encoded) <= MAX_KEPT:
            self.nameless_member = encoded
        return encoded

    def _encode(self, reason: Reason) -> bytes:
        shown = {"value": self.value, "defaultValue": self.default_value, "reason": reason}
        return b'"%b":%b' % (self.state.key.encode(), json_text.dump(shown))


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=4096)
def rule_match(index: int, rule_name: str | None, variant: str | None = None) -> Reason:
    """The reason for the value of rule `index`. Cached, because most rules have no name and share their reasons."""
    reason: dict[str, Any] = {"kind": "rule_match", "ruleIndex": index}
    if rule_name is not None:
        reason["ruleName"] = rule_name
    if variant is not None:
        reason["variant"] = variant
    return reason


def nameless(reason: Reason) -> Reason:
    """The reason for those who may not see what the rule is called."""
    return {name: value for name, value in reason.items() if name != "ruleName"}
