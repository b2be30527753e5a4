"""What OpenFeature is told of outcomes: by value, and never by what a rule is called or where it stands."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine import json_text
from app.engine.kinds import Kind
from app.engine.openfeature import MAX_VARIANT, resolution, targeted, variant_of
from app.engine.paths import FieldPath
from app.engine.ruleset import Ruleset, StoredState

RULES = [
    {"name": "first", "if": {"field": "n", "$equals": 1}, "value": "one"},
    {"name": "second", "if": {"field": "n", "$equals": 2}, "value": "two"},
    {"if": {"field": "n", "$equals": 3}, "rolloutPercent": 100, "value": "three"},
    {"if": {"field": "n", "$equals": 4}, "split": [{"value": "four", "percent": 100}]},
    {"if": {"field": "n", "$equals": 5}, "split": [{"value": "five", "percent": 100, "name": "fifth"}]},
]


def resolved(rules: Sequence[Any], context: dict[str, Any], **state: Any) -> dict[str, Any]:
    given_state = {"kind": Kind.FLAG, "type": "string", "default_value": '"none"', **state}
    stored = StoredState(key="k", rules=json_text.encode(list(rules)), **given_state)
    outcome = Ruleset.of("env", 1, "userId", [stored]).compiled.call(context).evaluate("k")
    assert outcome is not None
    return resolution(outcome)


@pytest.mark.parametrize(
    ("n", "value", "reason", "variant"),
    [
        (0, "none", "DEFAULT", "none"),
        (1, "one", "TARGETING_MATCH", "one"),
        (2, "two", "TARGETING_MATCH", "two"),
        (3, "three", "SPLIT", "three"),
        (4, "four", "SPLIT", "four"),
        (5, "five", "SPLIT", "fifth"),
    ],
)
def test_the_order_of_rules_changes_nothing(n: int, value: str, reason: str, variant: str) -> None:
    expected = {"key": "k", "value": value, "reason": reason, "variant": variant}
    for rules in (RULES, RULES[::-1]):
        assert resolved(rules, {"n": n, "userId": "u-1"}) == expected


def test_a_killed_flag_is_disabled() -> None:
    assert resolved(RULES, {"n": 1}, killed=True) == {
        "key": "k",
        "value": "none",
        "reason": "DISABLED",
        "variant": "none",
    }


@pytest.mark.parametrize("number", [0, -1, 7, 2**53, 12.5])
def test_numbers_are_floats_and_named_alike_however_they_are_written(number: float) -> None:
    texts = {json_text.encode(number), json_text.encode(float(number))}
    found = [resolved([], {}, kind=Kind.CONFIG, type="number", default_value=text) for text in texts]
    assert {type(one["value"]) for one in found} == {float}
    assert {one["variant"] for one in found} == {str(number)}


def test_a_value_is_named_by_its_text_and_a_long_one_by_a_digest() -> None:
    assert [variant_of(value) for value in (True, None, "", "on", {"b": 1, "a": 2})] == [
        "true",
        "null",
        "sha256:e3b0c44298fc1c14",
        "on",
        '{"a":2,"b":1}',
    ]
    assert variant_of("x" * MAX_VARIANT) == "x" * MAX_VARIANT
    assert variant_of("x" * (MAX_VARIANT + 1)).startswith("sha256:")


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(), st.lists))
def test_every_value_has_a_short_name(value: Any) -> None:
    assert 0 < len(variant_of(value)) <= MAX_VARIANT


@pytest.mark.parametrize(
    ("context", "path", "expected"),
    [
        ({}, "userId", {}),
        ({"userId": "a"}, "userId", {"userId": "a"}),
        ({"targetingKey": "a"}, "userId", {"targetingKey": "a", "userId": "a"}),
        ({"targetingKey": "a", "userId": None}, "userId", {"targetingKey": "a", "userId": None}),
        ({"targetingKey": "a"}, "targetingKey", {"targetingKey": "a"}),
        ({"targetingKey": "a", "user": {}}, "user.id", {"targetingKey": "a", "user": {}, "user.id": "a"}),
        ({"targetingKey": "a", "user": {"id": "b"}}, "user.id", {"targetingKey": "a", "user": {"id": "b"}}),
    ],
)
def test_the_targeting_key_is_an_id_where_there_is_none(
    context: dict[str, Any], path: str, expected: dict[str, Any]
) -> None:
    before = dict(context)
    assert targeted(context, FieldPath.of(path)) == expected
    assert context == before
