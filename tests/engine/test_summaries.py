"""What a state comes to, in a word and one sentence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.kinds import Kind
from app.engine.summaries import Summary, SummaryKind, Summed, summarize
from tests.engine.rulesets import compiled
from tests.examples import examples
from tests.strategies import TEXTS, contexts, rule_lists

PRO = {"field": "plan", "$equals": "pro"}
IF_PRO = {"if": PRO, "value": True}
QUARTER = {"rolloutPercent": 25, "value": True}
HALVES = [{"value": "blue", "percent": 50.0}, {"value": "red", "percent": 0}, {"value": "green", "percent": 50}]


def of(rules: list[Any], default: Any = False, *, killed: bool = False, kind: Kind = Kind.FLAG) -> Summary:
    value_type = "boolean" if isinstance(default, bool) else "json"
    return summarize(Summed(kind, rules, value_type, default, killed))


def share(value: Any, percent: float) -> dict[str, Any]:
    return {"value": value, "percent": percent}


@pytest.mark.parametrize(
    ("default", "rules", "kind", "percent", "text"),
    [
        (True, [], "on", None, "On for everyone."),
        (False, [], "off", None, "Off for everyone."),
        ("hello", [], "value", None, '"hello" for everyone.'),
        (12.5, [], "value", None, "12.5 for everyone."),
        (None, [], "value", None, "null for everyone."),
        ({"a": [1, None]}, [], "value", None, '{"a":[1,null]} for everyone.'),
        (False, [IF_PRO], "rules", None, "1 rule; everyone else gets false."),
        ("hello", [{**IF_PRO, "value": "x"}] * 3, "rules", None, '3 rules; everyone else gets "hello".'),
        (False, [QUARTER], "percent", 25, "25% of everyone gets true; everyone else false."),
        (
            False,
            [{**QUARTER, "rolloutPercent": 12.5}],
            "percent",
            12.5,
            "12.5% of everyone gets true; everyone else false.",
        ),
        (
            False,
            [{**QUARTER, "rolloutPercent": 40.0}],
            "percent",
            40,
            "40% of everyone gets true; everyone else false.",
        ),
        (False, [{**QUARTER, "bucketBy": "company"}], "percent", 25, "25% of everyone gets true; everyone else false."),
        (False, [{**QUARTER, "if": PRO}], "rules", None, "1 rule; everyone else gets false."),
        (False, [QUARTER, IF_PRO], "rules", None, "2 rules; everyone else gets false."),
        (False, [{"rolloutPercent": 50, "split": HALVES}], "rules", None, "1 rule; everyone else gets false."),
        # A rule for everyone takes the place of the default value.
        (False, [{"value": True}], "on", None, "On for everyone."),
        ("a", [{"value": "b"}, {"value": "c", "if": PRO}], "value", None, '"b" for everyone.'),
        ("a", [{"split": [share("b", 100), share("c", 0)]}], "value", None, '"b" for everyone.'),
        (False, [QUARTER, {"value": True}], "on", None, "On for everyone."),
        (False, [IF_PRO, {"value": True}], "rules", None, "2 rules; everyone else gets true."),
        ("a", [{"split": HALVES}], "rules", None, 'Everyone is split: 50% "blue", 50% "green".'),
        (
            "a",
            [{**IF_PRO, "value": "b"}, {"split": [share(n, 16) for n in range(5)] + [share(5, 20)]}],
            "rules",
            None,
            "2 rules; everyone else is split: 16% 0, 16% 1, 16% 2, 16% 3 and 2 more.",
        ),
    ],
)
def test_flags_and_configs(default: Any, rules: list[Any], kind: str, percent: float | None, text: str) -> None:
    for one in (Kind.FLAG, Kind.CONFIG):
        assert of(rules, default, kind=one) == (kind, len(rules), percent, text)


def test_what_is_disabled_does_not_count() -> None:
    off = [{**rule, "disabled": True} for rule in (IF_PRO, QUARTER, {"value": True})]
    assert of(off) == ("off", 0, None, "Off for everyone.")
    assert of([*off, {**QUARTER, "disabled": False}, *off]) == of([QUARTER])


@pytest.mark.parametrize(
    ("default", "text"), [(True, "Killed: false for everyone."), ("a", 'Killed: "a" for everyone.')]
)
def test_killed_flags(default: Any, text: str) -> None:
    assert of([QUARTER, IF_PRO], default, killed=True) == ("killed", 2, None, text)


@pytest.mark.parametrize(
    ("rules", "allowed", "denied", "kind", "percent", "text"),
    [
        ([{"if": PRO}] * 2, 10, 3, "rules", None, "2 rules, 10 allowed, 3 denied."),
        ([{"if": PRO}], 0, 0, "rules", None, "1 rule."),
        ([], 10_000, 0, "rules", None, "10,000 allowed."),
        ([], 0, 0, "off", None, "Nobody."),
        ([{"if": PRO, "disabled": True}], 0, 3, "off", None, "Nobody, 3 denied."),
        ([{"if": PRO}, {}], 0, 0, "on", None, "Everyone."),
        ([{}], 0, 3, "rules", None, "Everyone, 3 denied."),
        ([{"rolloutPercent": 25}], 1, 0, "rules", None, "1 rule, 1 allowed."),
        ([{"rolloutPercent": 25, "if": PRO}], 0, 0, "rules", None, "1 rule."),
    ],
)
def test_segments(rules: list[Any], allowed: int, denied: int, kind: str, percent: float | None, text: str) -> None:
    count = sum("disabled" not in rule for rule in rules)
    state = Summed(Kind.SEGMENT, rules, allowed=allowed, denied=denied)
    assert summarize(state) == (kind, count, percent, text)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 40, f'"{"x" * 40}"'),
        ("x" * 41, f'"{"x" * 39}…"'),
        (list(range(100)), "[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,…"),
        ('say "hi"\nto\u202e\u2028all\U000e0001', r'"say \"hi\"\nto\u202e\u2028all\udb40\udc01"'),
    ],
)
def test_a_value_is_cut_and_stays_on_its_line(value: Any, shown: str) -> None:
    assert of([], value).text == f"{shown} for everyone."


@examples(1)
@given(
    rule_lists([], [], st.sampled_from(TEXTS)), st.sampled_from(TEXTS), st.booleans(), st.lists(contexts, max_size=5)
)
def test_everybody_gets_what_is_said_of_everybody(
    rules: list[Any], default: str, killed: bool, some: list[dict[str, Any]]
) -> None:
    flag = {"type": "string", "defaultValue": default, "killed": killed, "rules": rules}
    ruleset = compiled({"targetIdField": "userId", "flags": {"f": flag}})
    said = summarize(Summed(Kind.FLAG, rules, "string", default, killed))
    outcomes = [ruleset.call(context).evaluate("f") for context in some]
    if said.kind in (SummaryKind.VALUE, SummaryKind.KILLED):
        texts = {summarize(Summed(Kind.FLAG, [], "string", one.value)).text for one in outcomes}
        assert texts <= {said.text.removeprefix("Killed: ")}
    if said.kind is SummaryKind.PERCENT:
        assert len({one.value for one in outcomes}) <= 2
