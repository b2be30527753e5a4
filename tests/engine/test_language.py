"""What the documents say of the rule language is what it does."""

import pytest

from app.engine.conditions import FORMS, KNOWN
from app.engine.language import EXAMPLE_RULESET, IGNORE_CASE, OPERATORS, WORDS
from app.engine.operators import OPERATORS as CHECKS
from tests.engine.rulesets import JSON, compiled


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
