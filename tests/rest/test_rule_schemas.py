"""The schemas of rules and reasons take all that the rule language takes and gives."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from app.engine.trace import Tracer
from tests.conformance import component
from tests.engine.rulesets import WORDS, compiled
from tests.examples import examples
from tests.strategies import contexts, rulesets

VECTORS = sorted((Path(__file__).parent.parent / "vectors").glob("*.json"))


def found(document: Any, name: str) -> Iterator[Any]:
    """All that stands under the name, at any depth."""
    if isinstance(document, dict):
        if name in document:
            yield document[name]
        document = list(document.values())
    if isinstance(document, list):
        for member in document:
            yield from found(member, name)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_they_take_the_published_vectors(path: Path) -> None:
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    for case in cases:
        if case.get("faults") and path.stem == "refusals":
            continue
        for rules in found(case, "rules"):
            for rule in rules:
                component("Rule").validate(rule)
        for condition in found(case, "condition"):
            if "operator" not in condition:
                component("Condition").validate(condition)
        for reason in found(case, "reason"):
            component("Reason").validate(reason)


@examples(1)
@given(rulesets(), contexts)
def test_they_take_every_rule_and_every_trace(document: Any, context: Any) -> None:
    for rules in found(document, "rules"):
        for rule in rules:
            component("Rule").validate(rule)
    call = compiled(document).call(context)
    tracer = Tracer(call)
    for key in call.ruleset.primitives:
        component("Reason").validate(json.loads(json.dumps(tracer.reason(key, call.evaluate(key)))))


@pytest.mark.parametrize("word", WORDS)
def test_they_take_the_examples(word: str) -> None:
    component("Condition").validate(WORDS[word].example)


@pytest.mark.parametrize(
    "condition", [{}, {"field": 1}, {"plan": "pro"}, {"$and": {}}, {"field": "x", "$in": "a"}, {"field": "x", "$eq": 1}]
)
def test_they_refuse_what_is_certainly_wrong(condition: Any) -> None:
    assert not component("Condition").is_valid(condition)
