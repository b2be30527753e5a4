"""Measures the rule language side by side in one run: compiled, naive, compiling, changing, memory."""

import gc
import json
import sys
import timeit
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.engine.compiled import CompiledPrimitive, CompiledSegment
from app.engine.paths import FieldPath
from app.engine.rules import parse_rules
from app.engine.snapshot import CompiledRuleset
from app.engine.states import PrimitiveState, SegmentState
from scripts import _commit_to_servable
from tests.naive import Naive

FLAGS = 10_000
NODES = 200
CONTEXT = {
    "userId": "user-123",
    "plan": "pro",
    "country": "US",
    "age": 31,
    "beta": True,
    "email": "a@example.org",
}


def rules(number: int = 0, variety: int = 1) -> list[dict[str, Any]]:
    """Three rules, nested conditions, a percentage; all are tried for CONTEXT. `variety` varies operands."""
    mark = str(number % variety) if variety > 1 else ""
    return [
        {
            "if": {
                "$and": [
                    {"field": "plan", "$equals": "enterprise" + mark},
                    {"field": "country", "$in": ["DE", "FR" + mark]},
                ]
            },
            "value": True,
        },
        {
            "if": {
                "$or": [
                    {"field": "email", "$endsWith": "@example.com" + mark},
                    {"$not": {"field": "age", "$gte": 18}},
                ]
            },
            "value": True,
            "name": "staff",
        },
        {
            "if": {
                "$and": [
                    {"field": "plan", "$equals": "pro"},
                    {
                        "$or": [
                            {"field": "beta", "$equals": True},
                            {"field": "country", "$equals": "US" + mark},
                        ]
                    },
                ]
            },
            "value": True,
            "rolloutPercent": 25,
        },
    ]


def build(key: str, document: Any) -> CompiledPrimitive:
    parsed = parse_rules(document, "rules", {}, lambda *_: None)
    return CompiledPrimitive(PrimitiveState("flag", key, "boolean", False, parsed))


def microseconds(work: Callable[[], object], number: int) -> float:
    return min(timeit.repeat(work, number=number, repeat=5)) / number * 1e6


def evaluating() -> None:
    document = {"targetIdField": "userId", "flags": {"flag": {"type": "boolean", "defaultValue": False}}}
    document["flags"]["flag"]["rules"] = rules()
    flag = build("flag", rules())
    ruleset = CompiledRuleset("env", 1, FieldPath.of("userId"), {"flag": flag}, {})
    call, naive = ruleset.call(CONTEXT), Naive(document, CONTEXT)
    compiled = microseconds(lambda: flag.decide(CONTEXT, call), 100_000)
    whole = microseconds(lambda: ruleset.call(CONTEXT).evaluate("flag"), 100_000)
    plain = microseconds(lambda: naive.evaluate("flag"), 500)
    print(f"a flag of three rules, in cache   {compiled:8.2f} µs")
    print(f"the same as a call of its own     {whole:8.2f} µs")
    print(f"the naive interpreter             {plain:8.2f} µs, {plain / compiled:.0f} times as long")


def compiling() -> None:
    text = json.dumps(rules())
    decode = microseconds(lambda: json.loads(text), 2_000)
    kept = build("flag", rules())  # its leaves stay known while it lives
    known = microseconds(lambda: build("flag", json.loads(text)), 2_000)
    del kept
    texts = iter([json.dumps(rules(number, FLAGS)) for number in range(FLAGS)])
    new = microseconds(lambda: build("flag", json.loads(next(texts))), FLAGS // 5)
    print(f"parse and compile, known leaves   {known:8.1f} µs, {known / decode:.1f} times its decoding")
    print(f"parse and compile, all leaves new {new:8.1f} µs, {new / decode:.1f} times its decoding")


def changing() -> None:
    flags = {f"flag-{number}": build(f"flag-{number}", rules()) for number in range(FLAGS)}
    ruleset = CompiledRuleset("env", 1, FieldPath.of("userId"), flags, {})
    one = build("flag-7", rules())
    change = microseconds(lambda: ruleset.with_changes(2, [one]), 200)
    every = microseconds(lambda: [flag.decide(CONTEXT, ruleset.call(CONTEXT)) for flag in flags.values()], 3)
    print(f"one change among {FLAGS} flags    {change:8.1f} µs")
    print(f"a flag of {FLAGS}, out of cache   {every / FLAGS:8.2f} µs")


def referring() -> None:
    """What a node costs: those of one flag, one after the other, each false, so that all are looked at."""
    keys = [f"one-{number}" for number in range(NODES)]
    small, large = (frozenset(f"user-{n}" for n in range(1000, 1000 + size)) for size in (10, 10_000))
    nodes: dict[str, tuple[list[Any], dict[str, Any], dict[str, Any]]] = {
        "a comparison": ([{"field": "plan", "$equals": key} for key in keys], {}, {}),
        "$flag, each another flag": (
            [{"$flag": key, "$equals": True} for key in keys],
            {key: build(key, []) for key in keys},
            {},
        ),
        "$flag, the same flag": (
            [{"$flag": "one-0", "$equals": key} for key in keys],
            {"one-0": build("one-0", [])},
            {},
        ),
        "$segment, each another of 10": ([{"$segment": key} for key in keys], {}, segments(keys, small)),
        "$segment, each another of 10,000": ([{"$segment": key} for key in keys], {}, segments(keys, large)),
        "$segment, the same segment": ([{"$segment": "one-0"}] * NODES, {}, segments(keys[:1], small)),
    }
    taken: dict[str, float] = {}
    for name, (conditions, flags, of_call) in nodes.items():
        flag = build("flag", [{"if": {"$or": conditions}, "value": True}])
        ruleset = CompiledRuleset("env", 1, FieldPath.of("userId"), {**flags, "flag": flag}, of_call)
        taken[name] = microseconds(lambda at=ruleset: at.call(CONTEXT).evaluate("flag"), 2_000) / NODES
    for name, one in taken.items():
        print(f"{name:34}{one * 1000:8.0f} ns, {one / taken['a comparison']:.2f} times a comparison")
    few, many = taken["$segment, each another of 10"], taken["$segment, each another of 10,000"]
    print(f"membership in a list of 10,000    {many / few:8.2f} times that in one of 10")


def segments(keys: list[str], ids: frozenset[str]) -> dict[str, CompiledSegment]:
    """Segments with an allow list and no rules."""
    return {key: CompiledSegment.of(SegmentState(key, (), ids, frozenset())) for key in keys}


def memory() -> None:
    for variety, words in ((1, "one set of leaves"), (100, "a hundred sets"), (FLAGS, "each its own leaves")):
        texts = [json.dumps(rules(number, variety)) for number in range(FLAGS)]
        gc.collect()
        tracemalloc.start()
        flags = [build(f"flag-{number}", json.loads(text)) for number, text in enumerate(texts)]
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] / len(flags)
        tracemalloc.stop()
        print(f"memory of a flag, {words:20}{held / 1024:5.1f} KiB")


if __name__ == "__main__":
    evaluating()
    compiling()
    changing()
    referring()
    memory()
    _commit_to_servable.run(rules()[:2])
