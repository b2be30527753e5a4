"""The limits of the rule language, each at its border."""

from typing import Any

import pytest

from app.engine.rules import parse_rules, parse_segment_rules
from app.engine.target_ids import parse_target_ids
from tests.engine.rulesets import any_value

ASTRAL = "\U0001f600"


def faults_of(*rules: Any) -> dict[str, str]:
    faults: dict[str, str] = {}
    parse_rules(list(rules), "rules", faults, any_value)
    return faults


def faults_of_condition(condition: Any) -> dict[str, str]:
    return faults_of({"if": condition, "value": 1})


def test_200_rules() -> None:
    assert faults_of(*[{"value": 1}] * 200) == {}
    assert set(faults_of(*[{"value": 1}] * 201)) == {"rules"}


@pytest.mark.parametrize("operator", ["$in", "$notIn", "$inCidr"])
def test_10_000_entries_in_a_list_doubles_not_counted(operator: str) -> None:
    entries = [f"10.{n >> 8}.{n & 255}.0/24" for n in range(10_001)]
    assert faults_of_condition({"field": "x", operator: entries[:-1]}) == {}
    assert faults_of_condition({"field": "x", operator: entries[:-1] * 2}) == {}
    path = f"rules.0.if.{operator}"
    assert faults_of_condition({"field": "x", operator: entries}) == {path: "Must have at most 10000 entries."}


def test_equal_numbers_are_doubles_and_true_is_none() -> None:
    entries = [*range(9_999), True]
    assert faults_of_condition({"field": "x", "$in": [*entries, 1.0]}) == {}
    assert set(faults_of_condition({"field": "x", "$in": [*entries, "1"]})) == {"rules.0.if.$in"}


def test_10_000_target_ids() -> None:
    ids = [str(number) for number in range(10_001)]
    faults: dict[str, str] = {}
    assert parse_target_ids(ids[:-1] + ids[:5] + [""][:0], "allowList", faults) == frozenset(ids[:-1])
    assert faults == {}
    parse_target_ids(ids, "allowList", faults)
    assert faults == {"allowList": "Must have at most 10000 entries."}


def test_target_ids_are_strings() -> None:
    faults: dict[str, str] = {}
    parse_target_ids(["", "a", 1, None, "a"], "denyList", faults)
    parse_target_ids("a", "allowList", faults)
    assert faults == {
        "denyList.2": "Must be a string.",
        "denyList.3": "Must be a string.",
        "allowList": "Must be a list.",
    }


def test_patterns_of_1_000_code_points() -> None:
    assert faults_of_condition({"field": "x", "$matches": ASTRAL * 1_000}) == {}
    faults = faults_of_condition({"field": "x", "$matches": ASTRAL * 1_001})
    assert faults == {"rules.0.if.$matches": "Must have at most 1000 characters."}


@pytest.mark.parametrize(
    ("field", "longest"), [("name", 200), ("description", 2_000), ("seed", 200), ("bucketBy", 200)]
)
def test_texts_are_measured_in_code_points(field: str, longest: int) -> None:
    assert faults_of({field: ASTRAL * longest, "value": 1}) == {}
    expected = {f"rules.0.{field}": f"Must have at most {longest} characters."}
    assert faults_of({field: ASTRAL * (longest + 1), "value": 1}) == expected


@pytest.mark.parametrize("joint", ["$and", "$or", "$not"])
def test_10_inside_each_other(joint: str) -> None:
    def wrap(times: int) -> Any:
        condition: Any = {"field": "x", "$exists": True}
        for _ in range(times):
            condition = {"$not": condition} if joint == "$not" else {joint: [condition]}
        return condition

    assert faults_of_condition(wrap(10)) == {}
    step = "$not" if joint == "$not" else f"{joint}.0"
    expected = ".".join(["rules.0.if", *[step] * 10, joint])
    assert set(faults_of_condition(wrap(11))) == {expected}
    assert set(faults_of_condition(wrap(90))) == {expected}


def test_the_first_fault_at_a_path_stays() -> None:
    faults = {"rules.0.value": "first"}
    parse_rules([{}], "rules", faults, any_value)
    assert faults == {"rules.0.value": "first"}


def test_a_step_with_a_dot_is_quoted() -> None:
    assert set(faults_of_condition({"field": "x", "$equals": 1, "a.b": 2})) == {'rules.0.if.["a.b"]'}


def test_a_value_is_checked_at_its_path_and_below() -> None:
    def check(value: Any, path: str, faults: dict[str, str]) -> None:
        faults.setdefault(f"{path}.inner", f"{value} is wrong")

    faults: dict[str, str] = {}
    parse_rules([{"value": 1}, {"split": [{"value": 2, "percent": 100}]}], "flags.checkout.rules", faults, check)
    assert faults == {
        "flags.checkout.rules.0.value.inner": "1 is wrong",
        "flags.checkout.rules.1.split.0.value.inner": "2 is wrong",
    }


def test_messages_say_what_would_be_right() -> None:
    faults: dict[str, str] = {}
    operands = {"$gt": None, "$matches": "(", "$semverGt": "1", "$before": "now", "$inCidr": ["10.0.0.0"]}
    parse_segment_rules([{"if": {"field": "x", name: bad}} for name, bad in operands.items()], "rules", faults)
    assert faults == {
        "rules.0.if.$gt": "Must be a number or a string.",
        "rules.1.if.$matches": "Must be an RE2 pattern: missing ): (.",
        "rules.2.if.$semverGt": "Must be a version of Semantic Versioning 2.0, such as 1.2.3.",
        "rules.3.if.$before": "Must be an RFC 3339 instant with an offset, such as 2024-05-01T12:00:00Z.",
        "rules.4.if.$inCidr.0": "Must be an IPv4 or IPv6 network in CIDR notation, such as 10.0.0.0/8.",
    }
