"""What is not compiled yet: whoever may take only some steps compiles little of it, and leaves the rest to others."""

from typing import Any

import pytest

from app.engine.batches import MAX_PRIMITIVES, MAX_STEPS, OFTEN, batches_of
from app.engine.paths import FieldPath
from app.engine.snapshot import COMPILING, CompiledRuleset
from app.engine.work import TooLong
from app.services.evaluation import STEPS
from tests.engine.rulesets import compiled

FLAGS = 1_000
CONTEXT = {"userId": "u-1", "plan": "pro"}


def ruleset(number: int = FLAGS) -> CompiledRuleset:
    """Flags of three rules. Evaluating all of them is not long."""
    rules = [
        {"if": {"$and": [{"field": "plan", "$equals": f"plan-{n}"}, {"field": "age", "$gte": n}]}, "value": True}
        for n in range(3)
    ]
    flags = {f"f{n}": {"type": "boolean", "defaultValue": False, "rules": rules} for n in range(number)}
    made = compiled({"targetIdField": "userId", "flags": flags})
    assert STEPS / COMPILING < made.steps < STEPS or number < FLAGS
    return made


def test_all_of_it_is_compiled_by_whoever_may_take_long() -> None:
    found = ruleset()
    for _ in range(50):  # at one moment
        with pytest.raises(TooLong):
            found.call(CONTEXT, STEPS).evaluate_all()
    assert all(batch.is_new for batch in found.batches)
    all_of_it = found.call(CONTEXT).evaluate_all()
    assert found.call(CONTEXT, STEPS).evaluate_all() == all_of_it
    assert len(all_of_it) == FLAGS


def test_what_a_change_leaves_to_compile_is_little() -> None:
    found = ruleset()
    found.call(CONTEXT).evaluate_all()
    changed = found.with_changes(2, ruleset(1).primitives.values())
    assert len(changed.call(CONTEXT, STEPS).evaluate_all()) == FLAGS
    with pytest.raises(TooLong):
        found.with_changes(2, ruleset().primitives.values()).call(CONTEXT, STEPS).evaluate_all()


def test_of_many_keys_a_few_are_compiled_in_a_call() -> None:
    found, known = ruleset(), [0]
    most = STEPS / COMPILING / next(iter(found.primitives.values())).steps
    while known[-1] < FLAGS:
        call = found.call(CONTEXT, STEPS)
        try:
            for key in found.primitives:
                call.evaluate(key)
        except TooLong:
            pass
        known.append(len(call.outcomes))
        assert 0 < known[-1] - known[-2] <= most


def test_source_is_generated_a_batch_at_a_time() -> None:
    waiting: list[Any] = []
    primitives = ruleset().primitives
    found = CompiledRuleset("env", 1, FieldPath.of("userId"), primitives, {}, later=waiting.append)
    for _ in range(2 * OFTEN):
        assert [batch.decide for batch in found.batches] == [None] * len(found.batches)
        expected = found.call(CONTEXT).evaluate_all()
    for number, generate in enumerate(waiting, 1):
        generate()
        assert sum(batch.decide is not None for batch in found.batches) == number
    assert len(waiting) == len(found.batches) > 1
    assert found.call(CONTEXT).evaluate_all() == expected
    for batch in batches_of(primitives.values()):
        assert batch.steps <= MAX_STEPS
        assert len(batch.primitives) <= MAX_PRIMITIVES
