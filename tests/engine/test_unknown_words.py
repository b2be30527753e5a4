"""A word that the rule language does not have: the refusal says which there are, and the likeliest meant."""

import time
from typing import Any

import pytest

from app.engine.conditions import FORMS, KNOWN
from app.engine.operators import OPERATORS
from app.engine.other_names import IN_CONDITIONS, IN_RULES, IN_SPLITS
from app.engine.rules import parse_rules, parse_segment_rules
from tests.engine.rulesets import any_value


def message(rule: Any, path: str) -> str:
    faults: dict[str, str] = {}
    parse_rules([rule], "rules", faults, any_value)
    return faults[f"rules.0.{path}"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("$eq", "$equals"),
        ("equals", "$equals"),
        ("$regex", "$matches"),
        ("$nin", "$notIn"),
        ("is_one_of", "$in"),
        ("$Equals", "$equals"),
        ("$startWith", "$startsWith"),
        ("$containAny", "$containsAny"),
        ("semver_gt", "$semverGt"),
        ("ignorecase", "ignoreCase"),
    ],
)
def test_an_operator_by_another_name(word: str, meant: str) -> None:
    said = message({"if": {"field": "plan", word: "pro"}, "value": 1}, f"if.{word}")
    assert said.startswith(f"Unknown operator. Did you mean {meant}? Known operators: ")
    assert all(name in said for name in OPERATORS)


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ({"and": []}, "$and"),
        ({"not": {}}, "$not"),
        ({"$segments": "x"}, "$segment"),
        ({"attribute": "plan", "$equals": "pro"}, "field"),
    ],
)
def test_a_form_by_another_name(condition: Any, meant: str) -> None:
    word = next(iter(condition))
    assert f" Did you mean {meant}? " in message({"if": condition, "value": 1}, f"if.{word}")


def test_a_context_in_place_of_a_condition_is_explained() -> None:
    expected = 'Unknown field. A condition compares a field by an operator: {"field": "plan", "$equals": "pro"}.'
    assert message({"if": {"plan": "pro"}, "value": 1}, "if.plan") == expected


@pytest.mark.parametrize(
    ("rule", "path", "meant"),
    [
        ({"condition": {}, "value": 1}, "condition", "if"),
        ({"percentage": 5, "value": 1}, "percentage", "rolloutPercent"),
        ({"variation": 1, "value": 1}, "variation", "value"),
        ({"bucketby": "x", "value": 1}, "bucketby", "bucketBy"),
        ({"split": [{"value": 1, "weight": 100}]}, "split.0.weight", "percent"),
    ],
)
def test_a_field_of_a_rule_by_another_name(rule: Any, path: str, meant: str) -> None:
    assert message(rule, path).startswith(f"Unknown field. Did you mean {meant}? Known fields: ")


def test_a_segment_s_rule_has_no_value() -> None:
    faults: dict[str, str] = {}
    parse_segment_rules([{"value": 1}], "rules", faults)
    assert faults["rules.0.value"].endswith(
        "Known fields: bucketBy, description, disabled, if, name, rolloutPercent, seed."
    )


def test_other_names_stand_for_words_that_exist_and_are_none_themselves() -> None:
    rules = {"if", "value", "split", "rolloutPercent", "seed", "bucketBy", "name", "description", "disabled"}
    for other_names, known in (
        (IN_CONDITIONS, set(KNOWN)),
        (IN_RULES, rules),
        (IN_SPLITS, {"value", "percent", "name"}),
    ):
        assert set(other_names.values()) <= known
        assert not other_names.keys() & known
        assert all(name == name.lower() for name in other_names)
    assert set(IN_CONDITIONS.values()) >= {*OPERATORS, *FORMS}


def test_thousands_of_unknown_words_cost_little_and_say_little() -> None:
    faults: dict[str, str] = {}
    begun = time.thread_time()
    parse_rules([{"if": {f"$word{n}": n for n in range(20_000)}, "value": 1}], "rules", faults, any_value)
    assert time.thread_time() - begun < 1
    assert sum(map(len, faults.values())) < 30_000
    long: dict[str, str] = {}
    parse_rules([{"if": {"w" * 500: 1}, "value": 1}], "rules", long, any_value)
    assert sum(map(len, long.values())) < 1_000


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("user[0].plan", "$contains"),
        ("$.user.plan", "write user.plan"),
        ('user["plan"]', "Write .plan instead"),
    ],
)
def test_a_path_of_another_language_is_refused_with_what_to_write(path: str, advice: str) -> None:
    assert advice in message({"if": {"field": path, "$exists": True}, "value": 1}, "if.field")


def test_a_path_that_is_stored_is_read() -> None:
    faults: dict[str, str] = {}
    rules = [{"if": {"field": "user[0].plan", "$exists": True}, "bucketBy": "$.id"}]
    assert len(parse_segment_rules(rules, "rules", faults, stored=True)) == 1
    assert faults == {}
