"""What an evaluation costs: its context once, whatever the rules do with it, and no more than is promised."""

import time
from typing import Any

import pytest

from app.engine.rules import MAX_CONDITIONS, parse_rules
from app.engine.snapshot import EvaluationCall
from app.engine.trace import Tracer
from app.engine.work import MAX_COMPARISONS, TooLong, TooManyComparisons
from tests.engine.rulesets import JSON, any_value, compiled

LONG = 65_000


def ruleset(*conditions: Any, **flag: Any) -> Any:
    rules = [{"if": condition, "value": True} for condition in conditions]
    return compiled(
        {"targetIdField": "userId", "flags": {"f": {"type": "boolean", "defaultValue": False, "rules": rules, **flag}}}
    )


def many(operator: str, operands: Any, field: str = "x") -> list[JSON]:
    return [{"field": field, operator: operand} for operand in operands]


DEAR = {
    "numbers": (many("$contains", range(1, 51)), [0] * 32_000),
    "doubles": (many("$contains", range(2, 52)), [1.0] * 16_000),
    "texts": (many("$contains", map(str, range(50))), [f"t{n}" for n in range(7_000)]),
    "mixed": (many("$contains", range(1, 51)), [True, None] * 6_000),
    "arrays of arrays": (many("$contains", range(1, 51)), [[]] * 21_000),
    "whole arrays": (many("$in", [[[n]] for n in range(50)]), [0] * 32_000),
    "wide objects": (many("$equals", [{"a": n} for n in range(500)]), {f"k{n}": n for n in range(5_000)}),
    "versions": (many("$semverGt", [f"1.0.{n + 1}" for n in range(2_000)]), "1.0.0-" + ".".join("a" * 30_000)),
    "instants": (many("$before", ["1999-01-01T00:00:00Z"] * 2_000), f"2024-01-01T00:00:00.{'1' * LONG}Z"),
    "addresses": (many("$inCidr", [[f"10.{n}.0.0/16"] for n in range(200)] * 10), "1." * (LONG // 2)),
    "prefixes": (many("$startsWith", [f"{n}" for n in range(1, 2_000)]), "0" * LONG),
}


def spent(work: Any) -> float:
    """The seconds of CPU that it takes, at best."""
    best = float("inf")
    for _ in range(4):
        begun = time.thread_time()
        work()
        best = min(best, time.thread_time() - begun)
    return best


@pytest.mark.parametrize("name", DEAR)
def test_many_conditions_cost_hardly_more_than_one(name: str) -> None:
    conditions, value = DEAR[name]
    one, all_of_them = ruleset(conditions[0]), ruleset({"$or": conditions})
    context = {"x": value}
    least = spent(lambda: one.call(context).evaluate("f")) + len(conditions) * 2e-6
    assert spent(lambda: all_of_them.call(context).evaluate("f")) < 8 * least


@pytest.mark.parametrize("name", DEAR)
def test_a_trace_reads_a_large_value_once(name: str) -> None:
    conditions, value = DEAR[name]
    one, all_of_them = ruleset(conditions[0]), ruleset({"$or": conditions})

    def trace(of: Any) -> None:
        call = of.call({"x": value})
        Tracer(call).reason("f", call.evaluate("f"))

    least = spent(lambda: trace(one)) + len(conditions) * 1e-5
    assert spent(lambda: trace(all_of_them)) < 8 * least


def test_a_long_path_is_followed_once() -> None:
    class Counted(dict[str, Any]):
        looked_up = 0

        def get(self, key: str, default: Any = None) -> Any:
            Counted.looked_up += 1
            return super().get(key, default)

    context = Counted(a=Counted(b=Counted(c=1)))
    ruleset(*many("$equals", range(100), "a.b.c")).call(context).evaluate("f")
    assert Counted.looked_up <= 6


def compared(conditions: int, members: int) -> bool:
    """Whether so many conditions may look into an array of so many members."""
    context = {"x": [0] * members}
    try:
        ruleset({"$or": many("$contains", range(1, conditions + 1))}).call(context).evaluate("f")
    except TooManyComparisons:
        return False
    return True


def test_so_many_members_are_compared_in_a_call() -> None:
    assert MAX_COMPARISONS == 5_000_000
    assert compared(500, 10_000)
    assert not compared(500, 10_001)


def test_members_are_counted_over_all_keys_of_a_call_and_prerequisites_values_too() -> None:
    flags = {
        key: {"defaultValue": False, "rules": [{"if": {"$or": many("$contains", range(1, 400))}, "value": 1}]}
        for key in ("a", "b")
    }
    call = compiled({"targetIdField": "userId", "flags": flags}).call({"x": [0] * 10_000})
    call.evaluate("a")
    with pytest.raises(TooManyComparisons):
        call.evaluate("b")

    conditions = [{"$flag": "list", "$contains": n} for n in range(1, 600)]
    document = {
        "targetIdField": "userId",
        "flags": {"f": {"defaultValue": False, "rules": [{"if": {"$or": conditions}, "value": True}]}},
        "configs": {"list": {"type": "json", "defaultValue": [0] * 10_000, "rules": []}},
    }
    with pytest.raises(TooManyComparisons):
        compiled(document).call({}).evaluate("f")


@pytest.mark.parametrize(
    ("conditions", "value"),
    [
        (many("$matches", [f"{n}.*(a|b){{900}}" for n in range(20)]), "ab" * 1_000),
        (many("$contains", [f"{n}b" for n in range(5_000)]), "1" * LONG),
    ],
)
def test_searching_long_texts_counts_as_well(conditions: list[JSON], value: str) -> None:
    with pytest.raises(TooManyComparisons):
        ruleset({"$or": conditions}).call({"x": value}).evaluate("f")
    assert ruleset({"$or": conditions}).call({"x": value[:20]}).evaluate("f").value is False


def test_hashing_long_ids_counts_as_well() -> None:
    rules = [{"rolloutPercent": 0, "seed": str(n), "value": True} for n in range(200)]
    flags = {f"f{n}": {"type": "boolean", "defaultValue": False, "rules": rules} for n in range(10)}
    call = compiled({"targetIdField": "userId", "flags": flags}).call({"userId": "x" * LONG})
    with pytest.raises(TooManyComparisons):
        list(map(call.evaluate, flags))


def test_a_long_id_is_cut_in_a_trace() -> None:
    document = {"type": "boolean", "defaultValue": False, "rules": [{"rolloutPercent": 100, "value": True}]}
    call = compiled({"targetIdField": "userId", "flags": {"f": document}}).call({"userId": "x" * LONG})
    assert Tracer(call).reason("f", call.evaluate("f"))["trace"][0]["rollout"]["id"] == "x" * 256


@pytest.mark.parametrize(
    ("conditions", "context"),
    [
        ([{"$or": many("$equals", range(1, 500))}], {}),
        (many("$contains", [1]), {"x": [0] * 10_000}),
        (many("$matches", [".*(a|b){300}c"]), {"x": "ab" * 1_000}),
    ],
)
def test_an_evaluation_that_takes_long_ends_when_its_steps_are_taken(conditions: list[JSON], context: JSON) -> None:
    with pytest.raises(TooLong):
        ruleset(*conditions).call(context, 400).evaluate("f")
    assert ruleset(*conditions).call(context).evaluate("f").value is False


def test_what_is_needed_takes_steps_as_well() -> None:
    rules = [{"if": {"$or": many("$equals", range(1, 50))}, "value": True}]
    flags = {f"f{n}": {"defaultValue": False, "rules": rules} for n in range(20)}
    needs = [{"$flag": key, "$equals": True} for key in flags]
    document = {"targetIdField": "userId", "flags": {**flags, "f": {"defaultValue": 0, "rules": []}}}
    document["flags"]["f"]["rules"] = [{"if": {"$or": needs}, "value": 1}]
    with pytest.raises(TooLong):
        compiled(document).call({}, 500).evaluate("f")


def test_a_trace_takes_steps() -> None:
    call = ruleset({"$or": many("$equals", range(100))}).call({}, 500)
    with pytest.raises(TooLong):
        Tracer(call).reason("f", call.evaluate("f"))


def faults_of(condition: Any) -> JSON:
    faults: dict[str, str] = {}
    parse_rules([{"if": condition, "value": 1}], "rules", faults, any_value)
    return faults


def test_10_000_conditions_groups_counted() -> None:
    leaf = {"field": "x", "$exists": True}
    assert MAX_CONDITIONS == 10_000
    assert faults_of({"$and": [leaf] * 9_999}) == {}
    assert faults_of({"$and": [{"$not": leaf}] * 4_999 + [leaf]}) == {}
    message = "Must have at most 10000 conditions; each $and, $or and $not counts as one."
    assert faults_of({"$and": [leaf] * 10_000}) == {"rules": message}
    assert faults_of({"$and": [{"$or": []}] * 5_000 + [{"$not": leaf}] * 2_500}) == {"rules": message}


def test_a_call_without_a_limit_of_steps_has_none() -> None:
    assert isinstance(ruleset().call({}), EvaluationCall)
    ruleset({"$or": many("$equals", range(9_000))}).call({}).evaluate("f")
