"""Traces at their limits; that they tell what was evaluated is shown by test_agreement."""

from app.engine.trace import MAX_NODES, Tracer
from tests.engine.rulesets import JSON, compiled


def flags(**rules: list[JSON]) -> JSON:
    return {"targetIdField": "userId", "flags": {k: {"defaultValue": 0, "rules": r} for k, r in rules.items()}}


def count(node: JSON) -> int:
    return 1 + sum(map(count, node.get("children", ())))


def reasons(document: JSON, context: JSON, max_nodes: int = MAX_NODES) -> dict[str, JSON]:
    call = compiled(document).call(context)
    tracer = Tracer(call, max_nodes)
    return {key: tracer.reason(key, call.evaluate(key)) for key in document["flags"]}


NEVER = {"field": "x", "$exists": True}


def test_a_call_ends_at_10_000_nodes() -> None:
    wide = {"if": {"$or": [NEVER] * 100}, "value": 1}
    found = reasons(flags(a=[wide] * 60, b=[wide] * 60, c=[wide], d=[]), {})
    nodes = {k: sum(count(entry["condition"]) for entry in reason["trace"]) for k, reason in found.items()}
    assert nodes == {"a": 6_060, "b": 3_940, "c": 0, "d": 0}
    assert [reason.get("truncated") for reason in found.values()] == [None, True, True, True]
    assert found["c"] == {"kind": "default", "trace": [], "truncated": True}


def test_what_fits_exactly_is_not_truncated() -> None:
    document = flags(a=[{"if": {"$or": [NEVER] * 9}, "value": 1}])
    assert "truncated" not in reasons(document, {}, 10)["a"]
    cut = reasons(document, {"x": 1}, 9)["a"]
    assert cut["truncated"] is True
    assert cut["trace"][0]["outcome"] == "matched"
    assert len(cut["trace"][0]["condition"]["children"]) == 8


def test_texts_lists_and_objects_are_cut_at_256_characters() -> None:
    document = flags(a=[{"if": {"field": "x", "$in": ["é" * 200, "b" * 200]}, "value": 1}])
    for actual, shown in (
        ("é" * 257, "é" * 256),
        ("é" * 256, "é" * 256),
        (["a" * 252], ["a" * 252]),
        (["a" * 253], '["' + "a" * 253 + '"'),
        ({"k": ["a" * 300]}, '{"k":["' + "a" * 249),
    ):
        node = reasons(document, {"x": actual})["a"]["trace"][0]["condition"]
        assert node["actual"] == shown
        assert node["operand"] == '["' + "é" * 200 + '","' + "b" * 51


def test_null_is_an_actual_and_nothing_is_missing() -> None:
    document = flags(a=[{"if": NEVER, "value": 1}])
    node = {"operator": "$exists", "field": "x", "operand": True}
    assert reasons(document, {"x": None})["a"]["trace"][0]["condition"] == {**node, "actual": None, "result": True}
    assert reasons(document, {})["a"]["trace"][0]["condition"] == {**node, "missing": True, "result": False}
