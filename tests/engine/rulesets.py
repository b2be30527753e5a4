"""A compiled ruleset from its document, for tests of the rule language."""

from typing import Any

from app.engine.compiled import CompiledPrimitive, CompiledSegment
from app.engine.language import GROUPS, IGNORE_CASE, OPERATORS, REFERENCES
from app.engine.paths import FieldPath
from app.engine.rules import parse_rules, parse_segment_rules
from app.engine.snapshot import CompiledRuleset
from app.engine.states import PrimitiveState, SegmentState
from app.engine.target_ids import parse_target_ids

JSON = dict[str, Any]
WORDS = {**OPERATORS, "ignoreCase": IGNORE_CASE, **GROUPS, **REFERENCES}


def any_value(value: Any, path: str, faults: dict[str, str]) -> None:
    """Accept every value."""


def compiled(document: JSON) -> CompiledRuleset:
    """The document, which is valid, made ready."""
    faults: dict[str, str] = {}
    primitives = {
        key: CompiledPrimitive(
            PrimitiveState(
                kind.removesuffix("s"),
                key,
                state.get("type", "json"),
                state["defaultValue"],
                parse_rules(state["rules"], key, faults, any_value),
                state.get("killed", False),
            )
        )
        for kind in ("flags", "configs")
        for key, state in document.get(kind, {}).items()
    }
    segments = {
        key: CompiledSegment.of(
            SegmentState(
                key,
                parse_segment_rules(state["rules"], key, faults),
                parse_target_ids(state["allowList"], key, faults),
                parse_target_ids(state["denyList"], key, faults),
            )
        )
        for key, state in document.get("segments", {}).items()
    }
    assert faults == {}
    path = FieldPath.of(document["targetIdField"])
    empty = CompiledRuleset(document.get("environmentId", "env"), 0, path, {}, {})
    return empty.with_changes(document.get("version", 1), [*primitives.values(), *segments.values()])
