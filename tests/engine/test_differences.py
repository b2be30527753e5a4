"""A difference between two rulesets leads from one to the other, for who sees everything and for who sees a part."""

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from app.engine.differences import Written, difference
from app.engine.kinds import SPECS, Kind
from app.engine.references import Node, node
from app.engine.ruleset import WHOLE, Part, Ruleset, StoredState
from tests.differences import applied
from tests.examples import examples
from tests.strategies import CONFIGS, FLAGS, SEGMENTS, rulesets

JSON = dict[str, Any]
NAMES = {kind: spec.plural for kind, spec in SPECS.items()}
KEYS = [(Kind.SEGMENT, key) for key in SEGMENTS] + [(Kind.FLAG, key) for key in FLAGS]
KEYS += [(Kind.CONFIG, key) for key in CONFIGS]


def some(keys: list[tuple[Kind, str]]) -> st.SearchStrategy[set[tuple[Kind, str]]]:
    return st.sets(st.sampled_from(keys))


def built(document: JSON, version: int, without: set[tuple[Kind, str]]) -> Ruleset:
    """The ruleset of the document, but for some keys."""
    states = [
        StoredState(
            kind,
            key,
            state.get("type"),
            None if kind is Kind.SEGMENT else json.dumps(state["defaultValue"]),
            json.dumps(state["rules"]),
            state.get("killed", False),
            frozenset(state.get("allowList", ())),
            frozenset(state.get("denyList", ())),
        )
        for kind, name in NAMES.items()
        for key, state in document[name].items()
        if (kind, key) not in without
    ]
    return Ruleset.of("env", version, document["targetIdField"], states)


def keys_of(ruleset: Ruleset) -> set[tuple[Kind, str]]:
    return {(kind, key) for kind, of in ruleset.documents.items() for key in of}


def document_of(ruleset: Ruleset, kind: Kind, key: str) -> Any:
    part = Part(frozenset({node(kind, key)}))
    return orjson.loads(ruleset.encode(part))[NAMES[kind]].get(key)


@examples(0.5)
@given(rulesets(), rulesets(), some(KEYS), some(KEYS), some(KEYS), some(KEYS))
def test_a_difference_leads_from_one_ruleset_to_the_other(
    first: JSON,
    second: JSON,
    missing_then: set[tuple[Kind, str]],
    missing_now: set[tuple[Kind, str]],
    kept: set[tuple[Kind, str]],
    seen: set[tuple[Kind, str]],
) -> None:
    for kind, key in kept:
        second[NAMES[kind]][key] = first[NAMES[kind]][key]
    old, new = built(first, 1, missing_then), built(second, 2, missing_now)
    written = {one for one in keys_of(old) | keys_of(new) if document_of(old, *one) != document_of(new, *one)}
    held = {one: frozenset[Node](old.targets(node(*one))) for one in written & keys_of(old)}

    def sees(kind: Kind, key: str) -> bool:
        return (kind, key) in seen

    for before, after, sight in (
        (WHOLE, WHOLE, None),
        (Part(frozenset(old.needed(old.readable(sees)))), Part(frozenset(new.needed(new.readable(sees)))), sees),
    ):
        of_then, of_now = orjson.loads(old.encode(before)), orjson.loads(new.encode(after))
        found = orjson.loads(new.encode(difference(new, Written(1, frozenset(written), held), sight)))
        assert applied(of_then, found) == of_now
        for kind, name in NAMES.items():
            assert all(of_then[name].get(key) != state for key, state in found[name].items()), kind
            assert all(key in of_then[name] for key in found["removed"][name]), kind
