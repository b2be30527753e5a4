"""Compiled rulesets: snapshots that share what did not change, and calls that evaluate each thing once."""

import inspect
import sys
from typing import Any

from app.engine.compiled import CompiledPrimitive
from app.engine.conditions import MAX_NESTING, ConditionParser
from app.engine.faults import FaultPath
from app.engine.paths import FieldPath
from app.engine.patterns import Programs
from app.engine.reference_checks import MAX_CHAIN
from app.engine.snapshot import CompiledRuleset
from app.engine.states import PrimitiveState
from app.engine.trace import Tracer
from tests.engine.rulesets import JSON, compiled


def document(**more: Any) -> JSON:
    return {
        "targetIdField": "userId",
        "flags": {
            "base": {"type": "boolean", "defaultValue": False, "killed": False, "rules": [{"value": True}]},
            "top": {
                "type": "boolean",
                "defaultValue": False,
                "killed": False,
                "rules": [{"if": {"$and": [{"$flag": "base", "$equals": True}, {"$segment": "s"}]}, "value": True}],
            },
        },
        "segments": {"s": {"rules": [], "allowList": ["me"], "denyList": []}},
        **more,
    }


def test_changing_a_segment_or_a_prerequisite_leaves_its_users_as_they_are() -> None:
    old = compiled(document())
    other = compiled(document(segments={"s": {"rules": [], "allowList": [], "denyList": []}}))
    new = old.with_changes(2, [other.segments["s"]])
    assert new.primitives["top"] is old.primitives["top"]
    assert (old.call({"userId": "me"}).evaluate("top").value, new.call({"userId": "me"}).evaluate("top").value) == (
        True,
        False,
    )
    killed = CompiledPrimitive(PrimitiveState("flag", "base", "boolean", True, (), killed=True))
    newer = old.with_changes(3, [killed])
    assert newer.call({"userId": "me"}).evaluate("top").value is False
    assert (old.version, new.version, newer.version) == (1, 2, 3)


def test_what_is_removed_is_gone_from_the_new_snapshot_only() -> None:
    old = compiled(document())
    new = old.with_changes(2, removed_primitives=["top", "unknown"], removed_segments=["s"])
    assert set(new.primitives) == {"base"}
    assert not new.segments
    assert new.call({}).evaluate("top") is None
    assert old.call({"userId": "me"}).evaluate("top").value is True


def test_each_segment_and_prerequisite_is_evaluated_once_in_a_call() -> None:
    ruleset, asked = compiled(document()), []

    class Counting(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    counted = CompiledRuleset(
        "env", 1, FieldPath.of("userId"), Counting(ruleset.primitives), Counting(ruleset.segments)
    )
    call = counted.call({"userId": "me"})
    for _ in range(3):
        assert [call.evaluate(key).value for key in ("top", "base", "top")] == [True, True, True]
        assert call.is_member("s")
    assert sorted(asked) == ["base", "s", "top"]


def test_equal_comparisons_are_one_object_and_those_written_otherwise_are_not() -> None:
    def parse(operand: Any) -> Any:
        parser = ConditionParser(Programs(), in_segment=False)
        return parser.parse({"field": "x", "$equals": operand}, FaultPath({}, "if"))

    assert parse(1) is parse(1)
    assert parse([1, {"a": "b"}]) is parse([1, {"a": "b"}])
    kept = [parse(operand) for operand in (1, 1.0, True, "1", None, [1])]
    assert len(set(map(id, kept))) == 6


def test_what_is_not_there_is_no_member_and_fails_but_the_negations() -> None:
    rules = [
        {"if": {"$segment": "gone"}, "value": 1},
        {"if": {"$flag": "gone", "$exists": True}, "value": 2},
        {"if": {"$flag": "gone", "$notEquals": 1}, "value": 3},
    ]
    ruleset = compiled({"targetIdField": "userId", "flags": {"f": {"defaultValue": 0, "rules": rules}}})
    assert ruleset.call({}).evaluate("f").value == 3


def test_the_deepest_that_is_accepted_is_evaluated_and_traced_in_half_the_stack() -> None:
    def nested(inner: JSON) -> JSON:
        for level in range(MAX_NESTING):
            inner = {"$and": [inner]} if level % 2 else {"$not": inner}
        return {"$not": inner["$not"]} if "$not" in inner else inner

    segments: JSON = {"s0": {"rules": [{"if": {"field": "x", "$exists": True}}], "allowList": [], "denyList": []}}
    for number in range(1, MAX_CHAIN):
        rule = {"if": nested({"$segment": f"s{number - 1}"})}
        segments[f"s{number}"] = {"rules": [rule], "allowList": [], "denyList": []}
    rules = [{"if": nested({"$segment": f"s{MAX_CHAIN - 1}"}), "value": True}]
    ruleset = compiled(
        {"targetIdField": "userId", "flags": {"f": {"defaultValue": False, "rules": rules}}, "segments": segments}
    )
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + limit // 2)
    try:
        for context in ({"x": 1}, {}):
            call = ruleset.call(context)
            outcome = call.evaluate("f")
            assert Tracer(call).reason("f", outcome)["kind"] in ("rule_match", "default")
    finally:
        sys.setrecursionlimit(limit)
