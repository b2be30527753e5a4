"""Generated source, of one primitive and of many at once, and closures: the same outcomes, limits and comparisons."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.compiled import OFTEN
from app.engine.compiler import compile_primitive
from app.engine.evaluation import Evaluation
from app.engine.snapshot import CompiledRuleset, EvaluationCall
from app.engine.source import MAX_RULES, MAX_STEPS, decide_by_source
from app.engine.work import MAX_COMPARISONS, TooManyComparisons
from tests.engine.rulesets import compiled
from tests.examples import examples
from tests.naive import Naive
from tests.strategies import contexts, rulesets

JSON = dict[str, Any]
LONG = "user-" * 100


def by_closures(ruleset: CompiledRuleset) -> None:
    for one in ruleset.primitives.values():
        one.decide = compile_primitive(one.state, one.outcomes)


def by_source(ruleset: CompiledRuleset) -> None:
    for one in ruleset.primitives.values():
        one.decide = decide_by_source(one)


def in_batches(ruleset: CompiledRuleset) -> None:
    for batch in ruleset.batches:
        batch.generate()


WAYS = by_closures, by_source, in_batches


def each(call: EvaluationCall) -> list[Evaluation]:
    return [one for key in call.ruleset.primitives if (one := call.evaluate(key)) is not None]


def result(evaluate: Callable[[EvaluationCall], list[Evaluation]], call: EvaluationCall) -> Any:
    """The outcomes and the comparisons that are left, or that there were too many."""
    try:
        return evaluate(call), call.left[1]
    except TooManyComparisons:
        return "too many"


with_long_ids = st.tuples(contexts, st.booleans()).map(
    lambda drawn: {**drawn[0], "userId": LONG, "tags": ["a"] * 300} if drawn[1] else drawn[0]
)


@examples(1)
@given(rulesets(), st.lists(with_long_ids, min_size=1, max_size=3), st.sampled_from([0, 1, 5, 40, MAX_COMPARISONS]))
def test_all_ways_to_evaluate_agree(document: JSON, some: list[JSON], comparisons: int) -> None:
    ruleset = compiled(document)
    for context in some:
        found = []
        for way in WAYS:
            way(ruleset)
            evaluate = EvaluationCall.evaluate_all if way is in_batches else each
            found.append(result(evaluate, EvaluationCall(ruleset, context, comparisons=comparisons)))
        assert found[0] == found[1] == found[2]
        if comparisons == MAX_COMPARISONS:
            naive = Naive(document, context)
            for key, outcome in zip(ruleset.primitives, found[2][0], strict=True):
                expected = naive.evaluate(key)
                assert repr(outcome.value) == repr(expected["value"])
                assert outcome.reason == expected["reason"]


@examples(0.5)
@given(rulesets(), st.lists(rulesets(), max_size=2), contexts)
def test_batches_follow_changes(document: JSON, others: list[JSON], context: JSON) -> None:
    ruleset = compiled(document)
    in_batches(ruleset)
    for number, other in enumerate(others):
        later = compiled(other)
        removed = list(ruleset.primitives)[: number + 1]
        changed = [*later.primitives.values()][number:]
        kept = set(ruleset.batches)
        ruleset = ruleset.with_changes(2 + number, [*changed, *later.segments.values()], removed)
        touched = {*removed, *(one.state.key for one in changed)}
        assert {batch for batch in kept if touched.isdisjoint(batch.primitives)} <= set(ruleset.batches)
        assert [key for batch in ruleset.batches for key in batch.primitives] == list(ruleset.primitives)
        expected = each(ruleset.call(context))
        assert ruleset.call(context).evaluate_all() == expected
        in_batches(ruleset)
        assert ruleset.call(context).evaluate_all() == expected


TRICKY: list[Any] = [
    *[0, 1, 1.0, -0.0, 0.5, 2**64 - 1, -(2**63), 5e-324, 1e300, True, False, None, [], {}, [1], {"a": 1}],
    *["", "1", "a", "é", "'", '"', "\\", "\n", "\0", "{}", "\ud7ff", "\U0001f600", "\"'", "x" * 300],
]


def conditions() -> list[JSON]:
    """Of each operator that may be written as an expression, with each operand."""
    found: list[JSON] = [{operator: operand} for operator in ("$equals", "$notEquals") for operand in TRICKY]
    some: list[list[Any]] = [[], ["a", "1"], ["a", 1], TRICKY, *([one] for one in TRICKY), [*map(str, range(9)), "a"]]
    found += [{operator: operand} for operator in ("$in", "$notIn") for operand in some]
    texts = [operand for operand in TRICKY if isinstance(operand, str)]
    numbers = [operand for operand in TRICKY if type(operand) in {int, float}]
    found += [{operator: operand} for operator in ("$gt", "$gte", "$lt", "$lte") for operand in texts + numbers]
    found += [{operator: operand} for operator in ("$startsWith", "$endsWith") for operand in texts]
    return [*found, {"$exists": True}, {"$exists": False}]


def test_expressions_take_no_value_for_another() -> None:
    every = [{"field": field, **check} for field in ("x", "y.z") for check in conditions()]
    flags = {
        f"f{number}": {"type": "boolean", "defaultValue": False, "rules": [{"if": condition, "value": True}]}
        for number, condition in enumerate(every * 3)
    }
    document = {"targetIdField": "userId", "flags": flags}
    ruleset = compiled(document)
    for way, evaluate in ((by_source, each), (in_batches, EvaluationCall.evaluate_all)):
        way(ruleset)
        for context in ({}, *({"x": value, "y": {"z": value}} for value in TRICKY)):
            naive = Naive(document, context)
            expected = [naive.holds(condition) for condition in every] * 3
            assert [one.value for one in evaluate(ruleset.call(context))] == expected


def deep(levels: int) -> JSON:
    condition: JSON = {"field": "x", "$equals": 1}
    for level in range(levels):
        condition = [{"$and": [condition]}, {"$or": [condition]}, {"$not": {"$not": condition}}][level % 3]
    return condition


@pytest.mark.parametrize("fits", [True, False])
def test_so_many_rules_and_conditions_become_source(fits: bool) -> None:
    for rules in (
        [{"if": deep(5), "value": 1}] * (MAX_RULES if fits else MAX_RULES + 1),
        [{"if": {"$or": [{"field": "x", "$equals": 1}] * (MAX_STEPS - 3 if fits else MAX_STEPS)}, "value": 1}],
    ):
        flag = {"type": "json", "defaultValue": 0, "rules": rules}
        ruleset = compiled({"targetIdField": "userId", "flags": {"f": flag}})
        assert ruleset.primitives["f"].fits is fits
        for _ in range(2 * OFTEN):
            assert ruleset.call({"x": 2}).evaluate("f").value == 0
            assert ruleset.call({"x": 1}).evaluate_all()[0].value == 1
        in_batches(ruleset)
        assert ruleset.call({"x": 2}).evaluate_all()[0].value == 0
        assert (ruleset.primitives["f"].decide is not None) is fits


def test_source_is_generated_of_one_primitive_a_call() -> None:
    flag = {"type": "json", "defaultValue": 0, "rules": [{"if": {"field": "x", "$equals": 1}, "value": 1}]}
    ruleset = compiled({"targetIdField": "userId", "flags": {f"f{number}": flag for number in range(9)}})

    def ready() -> int:
        return sum(one.decide is not None for one in ruleset.primitives.values())

    for _ in range(OFTEN):
        each(ruleset.call({}))
    assert ready() == 0
    for number in range(12):
        assert [one.value for one in each(ruleset.call({"x": 1}))] == [1] * 9
        assert ready() == min(number + 1, 9)
