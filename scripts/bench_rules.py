"""Measures the rule language side by side in one run: compiled, naive, compiling, changing, memory."""

import gc
import json
import os
import sys
import time
import timeit
import tracemalloc
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.engine import batches, compiled
from app.engine.answers import members
from app.engine.compiled import CompiledPrimitive, CompiledSegment
from app.engine.compiler import Decide, compile_primitive
from app.engine.kinds import Kind
from app.engine.openfeature import resolutions_text
from app.engine.paths import FieldPath
from app.engine.rules import parse_rules
from app.engine.ruleset import Ruleset, StoredState
from app.engine.snapshot import CompiledRuleset, EvaluationCall
from app.engine.source import decide_by_source
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


def ruleset_of(number: int, variety: int) -> CompiledRuleset:
    flags = [build(f"flag-{one}", json.loads(json.dumps(rules(one, variety)))) for one in range(number)]
    return CompiledRuleset("env", 1, FieldPath.of("userId"), {}, {}).with_changes(1, flags)


def microseconds(work: Callable[[], object], number: int, repeat: int = 5) -> float:
    """Of CPU, at best: others may be busy."""
    return min(timeit.repeat(work, time.process_time, number=number, repeat=repeat)) / number * 1e6


def evaluating() -> None:
    document = {"targetIdField": "userId", "flags": {"flag": {"type": "boolean", "defaultValue": False}}}
    document["flags"]["flag"]["rules"] = rules()
    flag = build("flag", rules())
    ruleset = CompiledRuleset("env", 1, FieldPath.of("userId"), {"flag": flag}, {})
    call, naive = ruleset.call(CONTEXT), Naive(document, CONTEXT)
    closures, source = compile_primitive(flag.state, flag.outcomes), decide_by_source(flag)
    plain = microseconds(lambda: naive.evaluate("flag"), 500)
    for name, decide in (("closures", closures), ("source", source)):
        taken = microseconds(partial(decide, CONTEXT, call), 50_000)
        print(f"a flag of three rules, {name:9}      {taken:8.2f} µs, naive {plain / taken:.0f} times as long")
    flag.decide = source
    print(f"the same as a call of its own         {microseconds(partial(own_call, ruleset, 'flag'), 50_000):8.2f} µs")


def own_call(ruleset: CompiledRuleset, key: str) -> None:
    ruleset.call(CONTEXT).evaluate(key)


def in_turn() -> None:
    """Many flags, so that none of them is in the CPU's cache when its turn comes."""
    for number, variety in ((100, FLAGS), (1_000, 1), (1_000, FLAGS), (FLAGS, FLAGS)):
        ruleset = ruleset_of(number, variety)
        keys, call = list(ruleset.primitives), ruleset.call(CONTEXT)
        closures = [compile_primitive(one.state, one.outcomes) for one in ruleset.primitives.values()]
        sources = [decide_by_source(one) for one in ruleset.primitives.values()]
        taken = [
            microseconds(partial(each, decides, call), 1 + 5_000 // number, 15) / number
            for decides in (closures, sources)
        ]
        for one, source in zip(ruleset.primitives.values(), sources, strict=True):
            one.decide = source
        taken.append(microseconds(lambda of=ruleset, some=keys: [own_call(of, key) for key in some], 3, 15) / number)
        generating = microseconds(lambda of=ruleset: [batch.generate() for batch in of.batches], 1, 2) / number
        bulk = lambda of=ruleset: of.call(CONTEXT).evaluate_all()  # noqa: E731
        taken.append(microseconds(bulk, 3, 15) / number)
        taken.append(microseconds(lambda all_of=bulk: b",".join(members(all_of(), names=True)), 3, 15) / number)
        leaves = "one set of leaves" if variety == 1 else "each its own leaves"
        print(f"{number:6} flags, {leaves}, each of them:")
        for name, one in zip(
            ("closures in turn", "source in turn", "a call of its own", "all of one call", "the same encoded"),
            taken,
            strict=True,
        ):
            print(f"    {name:20} {one:8.2f} µs")
        print(f"    generating for all   {generating:8.2f} µs")


def each(decides: list[Decide], call: EvaluationCall) -> None:
    for decide in decides:
        decide(CONTEXT, call)


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
    ruleset = ruleset_of(FLAGS, 1)
    one = build("flag-7", rules())
    for when in ("", ", in batches"):
        change = microseconds(lambda: ruleset.with_changes(2, [one]), 200)
        print(f"one change among {FLAGS} flags{when:12}{change:8.1f} µs")
        assert ruleset.batches


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


def stored(variety: int) -> list[StoredState]:
    return [
        StoredState(Kind.FLAG, f"flag-{number}", "boolean", "false", json.dumps(rules(number, variety)))
        for number in range(FLAGS)
    ]


def memory(variety: int, traced: bool) -> None:
    """Of one environment, its texts included, in stages of how much it has been asked for."""
    states, held = stored(variety), list[float]()
    gc.collect()
    if traced:
        tracemalloc.start()
    before = used(traced)
    ruleset = Ruleset.of("env", 1, "userId", states)
    for stage in (None, ask_all, ask_each, encode):
        if stage is not None:
            stage(ruleset.compiled)
        gc.collect()
        held.append((used(traced) - before) / 2**20)
    leaves = "one set of leaves" if variety == 1 else "each its own leaves"
    print(f"MB, {leaves:20} {'traced' if traced else 'resident':9}", *(f"{one:7.1f}" for one in held), flush=True)


def used(traced: bool) -> int:
    """Bytes."""
    if traced:
        return tracemalloc.get_traced_memory()[0]
    return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def ask_all(ruleset: CompiledRuleset) -> None:
    for _ in range(2 * batches.OFTEN):
        ruleset.call(CONTEXT).evaluate_all()


def ask_each(ruleset: CompiledRuleset) -> None:
    for key in ruleset.primitives:
        for _ in range(2 * compiled.OFTEN):
            ruleset.call(CONTEXT).evaluate(key)


def encode(ruleset: CompiledRuleset) -> None:
    """All that any caller can get of any flag."""
    for one in ruleset.primitives.values():
        members(one.outcomes, names=True)
        members(one.outcomes, names=False)
        resolutions_text(ruleset, one.outcomes)


def remembering() -> None:
    print(f"memory of {FLAGS} flags: loaded; often asked for all; and for each; and all encoded in every form")
    for variety in (1, FLAGS):
        for traced in (True, False):
            # Each in a process of its own, whose memory nothing else has used.
            process = get_context("spawn").Process(target=memory, args=(variety, traced))
            process.start()
            process.join()


if __name__ == "__main__":
    remembering()
    evaluating()
    in_turn()
    compiling()
    changing()
    referring()
    _commit_to_servable.run(rules()[:2])
