"""Flips of a sample are counted as far as the work allows, and by which keys flip together."""

import pytest

from app.engine import sampled
from app.engine.blast_radius import Budget
from app.engine.kinds import Kind
from app.engine.ruleset import Ruleset, StoredState
from app.engine.sampled import Flips, counted
from app.engine.work import TooLong

KEYS = ["a", "b"]


def ruleset(*rules: str) -> Ruleset:
    states = [StoredState(Kind.FLAG, key, "boolean", "false", of_key) for key, of_key in zip(KEYS, rules, strict=True)]
    return Ruleset.of("e", 1, "userId", states)


LIVE = ruleset("[]", "[]")
PROPOSED = ruleset('[{"if":{"field":"n","$gt":1},"value":true}]', '[{"if":{"field":"n","$gt":2},"value":true}]')


def test_contexts_are_counted_by_what_flips() -> None:
    flips = Flips(LIVE, PROPOSED, KEYS, Budget(10_000, 10_000))
    for n in (0, 1, 2, 2, 3):
        flips.add({"n": n})
    assert flips.counted() == {"contexts": 5, "flips": {"a": 3, "b": 1}, "share": 0.6}
    document = flips.document()
    assert sum(count for _, count in document["groups"]) == 5
    of_b = {**document, "keys": [key if key == "b" else None for key in document["keys"]]}
    assert counted([of_b, document]) == {"contexts": 10, "flips": {"b": 2, "a": 3}, "share": 0.4}
    assert counted([]) == {"contexts": 0, "flips": {}, "share": None}


def add_many(flips: Flips) -> None:
    for _ in range(20):
        flips.add({"n": 3})


def test_what_the_work_does_not_allow_is_not_counted() -> None:
    flips = Flips(LIVE, PROPOSED, KEYS, Budget(20, 10_000))
    with pytest.raises(TooLong):
        add_many(flips)
    found = flips.counted()
    assert 0 < found["contexts"] < 20
    assert found["share"] == 1


def test_what_is_kept_is_bounded() -> None:
    keys = [f"k{n}" for n in range(300)]

    def of(rules: str) -> Ruleset:
        return Ruleset.of("e", 1, "userId", [StoredState(Kind.FLAG, key, "boolean", "false", rules) for key in keys])

    flips = Flips(of("[]"), of('[{"rolloutPercent":50,"value":true}]'), keys, Budget(10_000_000, 10_000))
    for n in range(1_000):
        flips.add({"userId": f"u-{n}"})
    members = sum(len(group) for group, _ in flips.document()["groups"])
    assert members <= sampled.MAX_MEMBERS
    assert 250 < flips.counted()["contexts"] < 1_000
