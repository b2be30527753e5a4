"""What a change would do to contexts: found by evaluating little, and as evaluating everything would find it."""

from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.blast_radius import MAX_SHOWN, MAX_SHOWN_BYTES, BlastRadius, dependents_of, seen_by
from app.engine.kinds import Kind
from app.engine.references import node
from app.engine.ruleset import Ruleset, StoredState
from app.engine.target_ids import EntryChange
from tests import naive
from tests.engine.test_differences import KEYS, NAMES, built
from tests.examples import examples
from tests.strategies import SEGMENTS, contexts, rulesets

JSON = dict[str, Any]
Change = tuple[JSON, Kind, str, JSON]
IDS = st.lists(st.sampled_from(["", "a", "user-1", "user-7", "1"]), max_size=3, unique=True)
ROW = [{"if": {"field": "plan", "$equals": "pro"}, "value": True}]


def text(value: Any) -> str:
    return orjson.dumps(value).decode()


def flag(key: str, rules: list[JSON], value: Any = False, kind: str = "boolean") -> StoredState:
    return StoredState(Kind.FLAG, key, kind, text(value), text(rules))


def segment(key: str, rules: list[JSON], allowed: frozenset[str] = frozenset()) -> StoredState:
    return StoredState(Kind.SEGMENT, key, None, None, text(rules), allow_list=allowed, deny_list=frozenset())


def ruleset(*states: StoredState) -> Ruleset:
    return Ruleset.of("env", 7, "userId", states)


def radius_of(live: Ruleset, state: StoredState, some: list[JSON], radius: BlastRadius | None = None) -> JSON:
    radius = radius or BlastRadius()
    proposed = live.with_changes(live.version, live.target_id_field, [state])
    own = [] if state.kind is Kind.SEGMENT else [state.key]
    radius.add(live, proposed, own, dependents_of(live, [node(state.kind, state.key)]), some)
    return radius.document(live.version)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """A ruleset in which most things depend on others, and what one of them is to be."""
    document = draw(rulesets())
    outcomes: JSON = {}
    for index, state in enumerate(document["segments"].values()):
        if index:
            state["rules"].insert(0, {"if": {"$segment": SEGMENTS[index - 1]}})
    conditions = [{"$segment": key} for key in SEGMENTS]
    for key, state in (document["flags"] | document["configs"]).items():
        default = state["defaultValue"]
        outcomes[key] = {"boolean": not default, "string": f"{default}!", "json": [default]}[state["type"]]
        state["rules"].insert(0, {"if": draw(st.sampled_from(conditions[-2:])), "value": outcomes[key]})
        conditions.append({"$flag": key, "$equals": outcomes[key]})
    kind, key = draw(st.sampled_from(KEYS))
    state = {**document[NAMES[kind]][key]}
    if kind is Kind.SEGMENT:
        state |= {"rules": draw(st.sampled_from([[], [{}], state["rules"]])), "allowList": draw(IDS)}
        state["denyList"] = draw(IDS)
    else:
        rules = [[], [{"value": outcomes[key]}], state["rules"], state["rules"][1:]]
        state["rules"] = draw(st.sampled_from(rules))
        state["defaultValue"] = draw(st.sampled_from([state["defaultValue"], outcomes[key]]))
        if kind is Kind.FLAG:
            state["killed"] = draw(st.booleans())
    return document, kind, key, state


@examples(2)
@given(changes(), st.lists(contexts, max_size=3))
def test_flips_are_those_that_evaluating_everything_finds(change: Change, some: list[JSON]) -> None:
    document, kind, key, state = change
    now = {**document, NAMES[kind]: {**document[NAMES[kind]], key: state}}
    live = built(document, 7, set())
    stored = built(now, 7, set()).stored(kind, key)
    assert stored is not None
    if kind is Kind.SEGMENT:
        stored = stored._replace(allow_list=frozenset(state["allowList"]), deny_list=frozenset(state["denyList"]))
    found = radius_of(live, stored, some)
    flips, results = Counter[str](), []
    for context in some:
        before, after = naive.Naive(document, context), naive.Naive(now, context)
        evaluations = {}
        for one in before.primitives:
            was, will_be = before.evaluate(one), after.evaluate(one)
            differs = not naive.equal(was["value"], will_be["value"])
            flips[one] += differs
            if differs or (one == key and kind is not Kind.SEGMENT):
                evaluations[one] = {
                    "live": {"value": was["value"], "reason": was["reason"]},
                    "proposed": {"value": will_be["value"], "reason": will_be["reason"]},
                    "flips": differs,
                }
        results.append({"envId": "env", "context": context, "evaluations": evaluations})
    expected = {"version": 7, "contexts": len(some), "results": results, "flips": dict(+flips), "truncated": False}
    assert repr_of(found) == repr_of(expected)


def repr_of(radius: JSON) -> str:
    """With types, so that 1, 1.0 and True differ, and keys in one order."""
    return orjson.dumps(radius, option=orjson.OPT_SORT_KEYS).decode()


def test_a_change_of_a_segment_shows_what_it_does_to_flags() -> None:
    live = ruleset(
        segment("staff", []),
        segment("everybody", [{"if": {"$segment": "staff"}}]),
        flag("checkout", [{"if": {"$segment": "everybody"}, "value": True, "name": "ours"}]),
        flag("banner", [{"if": {"$flag": "checkout", "$equals": True}, "value": "new"}], "old", "string"),
        flag("other", ROW),
    )
    added = segment("staff", [])._replace(allow_list=EntryChange(frozenset({"u-1"})), deny_list=EntryChange())
    found = radius_of(live, added, [{"userId": "u-1"}, {"userId": "u-2"}])
    default, matched = {"kind": "default"}, {"kind": "rule_match", "ruleIndex": 0}
    checkout = {
        "live": {"value": False, "reason": default},
        "proposed": {"value": True, "reason": {**matched, "ruleName": "ours"}},
        "flips": True,
    }
    banner = {
        "live": {"value": "old", "reason": default},
        "proposed": {"value": "new", "reason": matched},
        "flips": True,
    }
    assert found == {
        "version": 7,
        "contexts": 2,
        "results": [
            {"envId": "env", "context": {"userId": "u-1"}, "evaluations": {"banner": banner, "checkout": checkout}},
            {"envId": "env", "context": {"userId": "u-2"}, "evaluations": {}},
        ],
        "flips": {"banner": 1, "checkout": 1},
        "truncated": False,
    }
    assert seen_by(found, lambda key: key == "banner") == {
        **found,
        "results": [
            {"envId": "env", "context": {"userId": "u-1"}, "evaluations": {"banner": banner}},
            {"envId": "env", "context": {"userId": "u-2"}, "evaluations": {}},
        ],
        "flips": {"banner": 1},
    }
    assert seen_by(found, lambda _: True) == found


def test_a_deleted_flag_flips_for_every_context() -> None:
    live = ruleset(flag("checkout", ROW), segment("staff", []))
    proposed = live.with_changes(7, "userId", [], [(Kind.FLAG, "checkout")])
    radius = BlastRadius()
    radius.add(live, proposed, ["checkout"], (), [{"plan": "pro"}, {}])
    found = radius.document(None)
    assert [one["evaluations"]["checkout"]["live"]["value"] for one in found["results"]] == [True, False]
    assert [one["evaluations"]["checkout"]["proposed"] for one in found["results"]] == [None, None]
    assert (found["version"], found["flips"], found["truncated"]) == (None, {"checkout": 2}, False)


def test_without_contexts_there_is_nothing_to_show() -> None:
    nothing: JSON = {"version": 7, "contexts": 0, "results": [], "flips": {}, "truncated": False}
    assert radius_of(ruleset(flag("checkout", [])), flag("checkout", ROW), []) == nothing


@pytest.mark.parametrize(
    ("left", "right", "flips"), [(1, 1.0, False), ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1}, False), (1, True, True)]
)
def test_a_flip_is_another_value_and_not_another_text(left: Any, right: Any, *, flips: bool) -> None:
    before, after = (StoredState(Kind.CONFIG, "limit", "json", text(value), "[]") for value in (left, right))
    found = radius_of(ruleset(before), after, [{}])
    assert found["flips"] == ({"limit": 1} if flips else {})
    assert found["results"][0]["evaluations"]["limit"]["flips"] is flips


def test_no_more_is_shown_than_there_is_room_for_but_all_is_counted() -> None:
    dependents = [flag(f"d-{n}", [{"if": {"$flag": "a", "$equals": True}, "value": True}]) for n in range(30)]
    some: list[JSON] = [{"plan": "pro", "n": n} for n in range(50)]
    found = radius_of(ruleset(flag("a", []), *dependents), flag("a", ROW), some)
    assert sum(len(one["evaluations"]) for one in found["results"]) == MAX_SHOWN
    assert (len(found["flips"]), set(found["flips"].values())) == (31, {50})
    assert (found["contexts"], found["truncated"]) == (50, True)


def test_long_values_and_contexts_fill_the_room_too() -> None:
    live = ruleset(flag("a", [], "x" * 60_000, "string"))
    found = radius_of(live, flag("a", [], "y" * 60_000, "string"), [{"long": "z" * 60_000}] * 30)
    assert MAX_SHOWN_BYTES * 0.8 < len(orjson.dumps(found["results"])) <= MAX_SHOWN_BYTES
    assert (found["flips"], found["truncated"]) == ({"a": 30}, True)
    assert all(one["evaluations"] for one in found["results"][:-1])


def test_what_takes_too_long_is_left_out() -> None:
    rules = [{"if": {"field": "tags", "$containsAny": [n]}, "value": True} for n in range(100)]
    live, state = ruleset(flag("a", rules), flag("b", rules)), flag("a", rules, value=True)
    few: JSON = {"tags": [1000]}
    for radius, some in (
        (BlastRadius(max_steps=1000), [few] * 20),
        (BlastRadius(max_comparisons=1000), [few] * 20),
        (BlastRadius(), [few, {"tags": list(range(1000, 61_000))}, few]),  # as an evaluation is refused
    ):
        found = radius_of(live, state, some, radius)
        assert found["truncated"]
        assert found["contexts"] == len(some)
        whole = [one for one in found["results"] if one["evaluations"]]
        assert 0 < len(whole) < len(some)
        assert found["flips"] == {"a": len(whole)}
