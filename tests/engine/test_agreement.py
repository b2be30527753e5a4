"""The compiler, the traces and the naive interpreter never disagree: on values, reasons or refusals."""

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.rules import parse_rules, parse_segment_rules
from app.engine.trace import Tracer
from tests.engine.rulesets import compiled
from tests.examples import examples
from tests.naive import Naive, NaiveTraces
from tests.naive_faults import rules_faults
from tests.strategies import broken_rules, conditions, contexts, rulesets

JSON = dict[str, Any]


def same(left: Any, right: Any) -> bool:
    """Equality with types, so that 1, 1.0 and True differ."""
    return repr(left) == repr(right)


@examples(3)
@given(conditions([], []), st.lists(contexts, min_size=1, max_size=4))
def test_conditions_hold_as_the_naive_interpreter_says(condition: JSON, some: list[JSON]) -> None:
    document = {
        "targetIdField": "userId",
        "flags": {"f": {"defaultValue": False, "rules": [{"if": condition, "value": True}]}},
    }
    ruleset = compiled(document)
    for context in some:
        assert ruleset.call(context).evaluate("f").value is Naive(document, context).holds(condition)


@examples(1.5)
@given(rulesets(), st.lists(contexts, min_size=1, max_size=3), st.sampled_from([0, 1, 3, 8, 10_000]))
def test_values_reasons_and_traces_agree(document: JSON, some: list[JSON], limit: int) -> None:
    ruleset = compiled(document)
    for context in some:
        call, naive = ruleset.call(context), Naive(document, context)
        tracer, naive_tracer = Tracer(call, limit), NaiveTraces(naive, limit)
        for key in ruleset.primitives:
            outcome = call.evaluate(key)
            expected = naive.evaluate(key)
            assert same(outcome.value, expected["value"])
            assert same(outcome.default_value, expected["defaultValue"])
            assert outcome.reason == expected["reason"]
            assert tracer.reason(key, outcome) == naive_tracer.reason(key)


@examples(1.5)
@given(rulesets(), contexts)
def test_a_trace_tells_the_reason_again(document: JSON, context: JSON) -> None:
    call = compiled(document).call(context)
    tracer = Tracer(call)
    for key in call.ruleset.primitives:
        outcome = call.evaluate(key)
        reason = tracer.reason(key, outcome)
        if reason["kind"] == "killed":
            assert "trace" not in reason
            continue
        matched = [entry["ruleIndex"] for entry in reason["trace"] if entry["outcome"] == "matched"]
        assert matched == ([reason["ruleIndex"]] if reason["kind"] == "rule_match" else [])
        for entry in reason["trace"]:
            if "condition" in entry:
                assert entry["condition"]["result"] == (entry["outcome"] != "condition_false")
                assert all(consistent(node) for node in nodes_of(entry["condition"]))


def nodes_of(node: JSON) -> Iterator[JSON]:
    yield node
    for child in node.get("children", ()):
        yield from nodes_of(child)


def consistent(node: JSON) -> bool:
    results = [child["result"] for child in node.get("children", ())]
    match node["operator"]:
        case "$and":
            return node["result"] is all(results)
        case "$or":
            return node["result"] is any(results)
        case "$not":
            return node["result"] is not results[0]
        case "$segment":
            return node["result"] is (node["via"] in ("allow_list", "rule")) if "via" in node else True
    return True


@examples(4)
@given(broken_rules)
def test_rules_are_refused_at_the_same_paths(rules: Any) -> None:
    faults: dict[str, str] = {}
    parse_rules(rules, "rules", faults, boolean)
    assert set(faults) == rules_faults(rules, "rules", segment=False, fits=lambda v: isinstance(v, bool))


@examples(2)
@given(broken_rules)
def test_segment_rules_are_refused_at_the_same_paths(rules: Any) -> None:
    faults: dict[str, str] = {}
    parse_segment_rules(rules, "rules", faults)
    assert set(faults) == rules_faults(rules, "rules", segment=True, fits=lambda _: True)


def boolean(value: Any, path: str, faults: dict[str, str]) -> None:
    if not isinstance(value, bool):
        faults.setdefault(path, "Must be true or false.")
