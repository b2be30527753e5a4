"""The published vectors hold for the compiler and for the naive interpreter."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.engine.bucketing import bucket_of, hash_of, id_text, rollout_prefix
from app.engine.reference_checks import check_references
from app.engine.reference_graph import ReferenceGraph
from app.engine.references import Node, primitive, references_of, segment
from app.engine.rules import parse_rules, parse_segment_rules
from app.engine.trace import Tracer
from tests import naive
from tests.engine.rulesets import JSON, any_value, compiled
from tests.naive_faults import rules_faults

VECTORS = Path(__file__).parent.parent / "vectors"
TYPES = {"boolean": bool, "string": str}


def read(name: str) -> JSON:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


def cases(*names: str) -> pytest.MarkDecorator:
    found = [(name, case) for name in names for case in read(name)["cases"]]
    return pytest.mark.parametrize("case", [c for _, c in found], ids=[f"{n}: {c['name']}" for n, c in found])


@cases("conditions")
def test_conditions(case: JSON) -> None:
    rule = {"if": case["condition"], "value": True}
    document = {"targetIdField": "userId", "flags": {"f": {"defaultValue": False, "rules": [rule]}}}
    for expected, contexts in ((True, case["holdsFor"]), (False, case["failsFor"])):
        for context in contexts:
            assert compiled(document).call(context).evaluate("f").value is expected, context
            assert naive.Naive(document, context).holds(case["condition"]) is expected, context


def test_buckets() -> None:
    for case in read("buckets")["cases"]:
        text = rollout_prefix(case["seed"]) + case["id"]
        assert text == case["text"]
        assert (hash_of(text), bucket_of(text)) == (case["hash"], case["bucket"])
        assert (naive.murmur3(text.encode()), naive.bucket(case["seed"], case["id"])) == (case["hash"], case["bucket"])


def test_ids() -> None:
    for case in read("buckets")["ids"]:
        assert id_text(case["value"]) == case["id"]
        assert naive.identity(case["value"]) == case["id"]


@cases("rules", "splits", "segments", "prerequisites", "reasons")
def test_rulesets(case: JSON) -> None:
    ruleset = compiled(case["ruleset"])
    for expected in case["calls"]:
        call = ruleset.call(expected["context"])
        interpreter = naive.Naive(case["ruleset"], expected["context"])
        tracer, naive_tracer = Tracer(call), naive.NaiveTraces(interpreter, 10_000)
        for key, evaluation in expected["evaluations"].items():
            outcome, plain = call.evaluate(key), interpreter.evaluate(key)
            given = {"value": outcome.value, "defaultValue": outcome.default_value, "reason": dict(outcome.reason)}
            if "trace" in evaluation["reason"]:
                given["reason"] = tracer.reason(key, outcome)
                plain["reason"] = naive_tracer.reason(key)
            assert given == plain == evaluation
            assert repr(given["value"]) == repr(evaluation["value"])


@cases("refusals")
def test_refusals(case: JSON) -> None:
    in_segment = case["kind"] == "segment"
    expected = set(case["faults"])
    kind = TYPES.get(case.get("type", ""), object)
    faults: dict[str, str] = {}

    def check(value: Any, path: str, found: dict[str, str]) -> None:
        if not isinstance(value, kind):
            found.setdefault(path, "Must be of the flag's type.")

    if in_segment:
        parse_segment_rules(case["rules"], "rules", faults)
    else:
        parse_rules(case["rules"], "rules", faults, check)
    assert set(faults) == expected
    found = rules_faults(case["rules"], "rules", segment=in_segment, fits=lambda value: isinstance(value, kind))
    assert found == expected


@cases("references")
def test_references(case: JSON) -> None:
    faults: dict[str, str] = {}
    found = {primitive(k): references_of(parse_rules(r, "", faults, any_value)) for k, r in case["flags"].items()}
    found |= {segment(k): references_of(parse_segment_rules(r, "", faults)) for k, r in case["segments"].items()}
    assert faults == {}
    graph = ReferenceGraph().with_changes(
        {node: {reference.target for reference in references} for node, references in found.items()}
    )
    saved = [node_of(name) for name in case["saved"]]
    check_references({node: found[node] for node in saved}, graph, faults)
    assert sorted(faults) == case["faults"]


def node_of(name: str) -> Node:
    kind, key = name.split(".")
    return segment(key) if kind == "segment" else primitive(key)
