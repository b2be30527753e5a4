"""What an environment says of a flag, config or segment, with its rules parsed."""

from dataclasses import dataclass
from typing import Any

from app.engine.kinds import Kind
from app.engine.rules import Rule


@dataclass(frozen=True, slots=True)
class PrimitiveState:
    """The state of a flag or config (`kind`) in an environment. Only flags can be killed."""

    kind: Kind
    key: str
    type: str
    default_value: Any
    rules: tuple[Rule, ...]
    killed: bool = False


@dataclass(frozen=True, slots=True)
class SegmentState:
    """The state of a segment in an environment. The lists contain target ids."""

    key: str
    rules: tuple[Rule, ...]
    allow_list: frozenset[str]
    deny_list: frozenset[str]
