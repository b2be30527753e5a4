"""Many keys of one call at once, and the forms in which outcomes are sent."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.answers import members, members_by_key
from app.engine.evaluation import MAX_KEPT, Evaluation
from app.engine.snapshot import CompiledRuleset
from tests.engine.rulesets import compiled
from tests.examples import examples
from tests.strategies import contexts, rulesets

JSON = dict[str, Any]


def decoded(some: list[bytes]) -> JSON:
    """What is sent, by key."""
    found: JSON = json.loads(b"{%b}" % b",".join(some))
    return found


def written(outcome: Evaluation, reason: JSON) -> JSON:
    return {"value": outcome.value, "defaultValue": outcome.default_value, "reason": reason}


@examples(1.5)
@given(rulesets(), st.lists(contexts, min_size=1, max_size=3))
def test_all_keys_are_evaluated_and_written_as_each(document: JSON, some: list[JSON]) -> None:
    ruleset = compiled(document)
    for context in some:
        found = ruleset.call(context).evaluate_all()
        call = ruleset.call(context)
        expected = {key: call.evaluate(key) for key in ruleset.primitives}
        assert found == list(expected.values())
        for _ in range(2):
            assert repr(decoded(members(found, names=True))) == repr(
                {key: written(one, dict(one.reason)) for key, one in expected.items()}
            )
        nameless = {
            key: written(one, {name: value for name, value in one.reason.items() if name != "ruleName"})
            for key, one in expected.items()
        }
        assert repr(decoded(members(found, names=False))) == repr(nameless)


def test_keys_that_are_not_there_are_null() -> None:
    flag = {"type": "boolean", "defaultValue": True, "rules": []}
    call = compiled({"targetIdField": "userId", "flags": {"f": flag}}).call({})
    for names in (True, False):
        found = {key: call.evaluate(key) for key in ('no "flag"', "f")}
        assert decoded(members_by_key(found, names=names)) == {
            "f": {"value": True, "defaultValue": True, "reason": {"kind": "default"}},
            'no "flag"': None,
        }


def test_a_long_outcome_is_not_kept_encoded() -> None:
    for length, kept in ((10, True), (MAX_KEPT, False)):
        value = "x" * length
        flag = {"type": "string", "defaultValue": value, "rules": []}
        (outcome,) = compiled({"targetIdField": "userId", "flags": {"f": flag}}).call({}).evaluate_all()
        assert decoded(members([outcome], names=True))["f"]["value"] == value
        assert (outcome.member is not None) is kept


def total(ruleset: CompiledRuleset) -> int:
    return sum(one.steps for one in (*ruleset.primitives.values(), *ruleset.segments.values()))


@examples(0.3)
@given(rulesets(), rulesets())
def test_the_steps_of_a_ruleset_are_those_of_all_that_is_in_it(document: JSON, other: JSON) -> None:
    ruleset, later = compiled(document), compiled(other)
    assert ruleset.steps == total(ruleset) > 0
    changed = [*later.primitives.values(), *list(later.segments.values())[:1]]
    for after in (
        ruleset.with_changes(2, changed),
        ruleset.with_changes(2, [], ["checkout", "nothing"], ["staff"]),
        ruleset.with_changes(2, changed[:2], [changed[0].state.key], ["eu"]),
    ):
        assert after.steps == total(after)
