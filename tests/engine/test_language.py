"""What the documents say of the rule language is what it does."""

import pytest

from app.engine.conditions import FORMS, KNOWN
from app.engine.guide import GUIDE, Topic
from app.engine.language import IGNORE_CASE, OPERATORS
from app.engine.operators import MAX_ENTRIES
from app.engine.operators import OPERATORS as CHECKS
from app.engine.rules import MAX_CONDITIONS, MAX_PATTERNS, MAX_RULES
from app.engine.work import MAX_COMPARISONS
from tests.engine.rulesets import JSON, WORDS, compiled

EXAMPLE_RULESET: JSON = {
    "targetIdField": "userId",
    "flags": {
        "new-navigation": {
            "type": "boolean",
            "defaultValue": False,
            "killed": False,
            "rules": [{"if": {"field": "plan", "$equals": "pro"}, "value": True}],
        }
    },
    "configs": {},
    "segments": {"staff": {"rules": [], "allowList": ["ada"], "denyList": []}},
}
"""What the examples that refer to something refer to."""


def test_every_word_is_described_and_no_other() -> None:
    assert list(OPERATORS) == list(CHECKS)
    assert WORDS.keys() | {"field"} == set(KNOWN)
    assert set(FORMS) <= WORDS.keys() | {"field"}


def test_what_ignores_case_is_named() -> None:
    named = IGNORE_CASE.meaning.partition(":")[0]
    assert {name for name in CHECKS if f"`{name}`" in named} == {
        name for name, operator in CHECKS.items() if operator.ignoring_case is not None
    }


@pytest.mark.parametrize("name", WORDS)
def test_an_example_does_what_it_shows(name: str) -> None:
    word = WORDS[name]
    rule = {"if": word.example, "value": True}
    flags: JSON = {**EXAMPLE_RULESET["flags"], "f": {"type": "boolean", "defaultValue": False, "rules": [rule]}}
    ruleset = compiled({**EXAMPLE_RULESET, "flags": flags})
    assert name in word.example
    assert ruleset.call(word.holds_for).evaluate("f").value is True
    assert ruleset.call(word.fails_for).evaluate("f").value is False


@pytest.mark.parametrize("topic", [topic for topic in GUIDE if topic.example], ids=lambda topic: topic.name)
def test_the_example_of_a_topic_gives_what_it_shows(topic: Topic) -> None:
    assert topic.example is not None
    flag = {"type": "string", "defaultValue": "old", "rules": topic.example.rules}
    ruleset = compiled({"targetIdField": "userId", "flags": {"checkout": flag}})
    for context, value in topic.example.gives:
        assert ruleset.call(context).evaluate("checkout").value == value, context


def test_the_guide_explains_every_word_and_gives_the_limits() -> None:
    explained = [name for topic in GUIDE for name in topic.words]
    assert sorted(explained) == sorted(WORDS)
    limits = " ".join(GUIDE[-1].paragraphs)
    for limit in (MAX_RULES, MAX_CONDITIONS, MAX_PATTERNS, MAX_COMPARISONS):
        assert f"{limit:,}" in limits
    assert f"{MAX_ENTRIES:,}" in " ".join(GUIDE[1].paragraphs)
