"""How often flags and configs are evaluated, and what tells those that nobody uses."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.domain.ids import new_request_id
from app.engine.instants import rfc3339
from app.models import EvaluationCount, Period, Primitive
from tests.clients import Api
from tests.factories import Instance, Workspace

SPLIT = [{"split": [{"value": "a", "percent": 50, "name": "A"}, {"value": "b", "percent": 50, "name": "B"}]}]


async def flush(instance: Instance) -> None:
    """What the job does every few seconds."""
    await instance.node.usage.flush(lambda: instance.node.unit(new_request_id()))


async def stored(instance: Instance, period: Period = Period.HOUR) -> Counter[tuple[str, str, str | None]]:
    """How often each key had which reason and value."""
    await flush(instance)
    async with instance.node.database.reading() as session:
        query = select(EvaluationCount, Primitive).join(Primitive, Primitive.id == EvaluationCount.primitive_id)  # type: ignore[arg-type]
        found = Counter[tuple[str, str, str | None]]()
        for count, primitive in await session.execute(query):
            if count.period is period:
                found[primitive.key, count.reason, count.value] += count.count
        return found


async def evaluate(workspace: Workspace, caller: Api, *keys: str, **context: Any) -> dict[str, Any]:
    asked = {"keys": list(keys)} if keys else {}
    found = await caller.make("evaluate", environmentId=workspace.environment_id, context=context, **asked)
    return dict(found["evaluations"])


async def test_every_evaluation_is_counted_once_with_its_outcome(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=SPLIT)
    token = await instance.token(workspace.org)
    expected = Counter[tuple[str, str, str | None]]()
    before = instance.node.usage.totals().get(workspace.environment_id, 0)

    async def one(n: int) -> None:
        caller = token if n % 2 else workspace.org.viewer
        asked = [("banner",), ("banner", "checkout", "none"), ()][n % 3]
        for key, answer in (await evaluate(workspace, caller, *asked, userId=f"u-{n}")).items():
            if answer is not None:
                expected[key, answer["reason"]["kind"], repr(answer["value"])] += 1

    await asyncio.gather(*(one(n) for n in range(30)), flush(instance), flush(instance))
    for period in Period:
        found = Counter[tuple[str, str, str | None]]()
        for (key, reason, value), times in (await stored(instance, period)).items():
            kind = "rule_match" if "rule_match" in reason else "default"
            spelt = {'"a"': "'a'", '"b"': "'b'", "true": "True", '{"a":1}': "{'a': 1}"}
            found[key, kind, spelt[value or ""]] += times
        assert found == expected
    assert {value for key, _, value in expected if key == "banner"} == {"'a'", "'b'"}
    assert instance.node.usage.totals()[workspace.environment_id] - before == expected.total()


async def test_what_is_only_looked_at_is_not_counted(instance: Instance, workspace: Workspace) -> None:
    viewer, where = workspace.org.viewer, {"environmentId": workspace.environment_id}
    await viewer.make("evaluate", **where, context={}, asOf="2999-01-01T00:00:00Z")
    await viewer.make("preview", **where, spotCheck=[{}], ruleset={})
    until = instance.node.clock.now()
    span = {"since": rfc3339(until - timedelta(seconds=1)), "until": rfc3339(until)}
    await viewer.make("history", **where, context={}, **span)
    await viewer.make("ruleset", **where)
    assert await stored(instance) == {}
    await viewer.make("evaluate", **where, context={}, keys=["checkout"], verboseReason=True)
    assert (await stored(instance)).total() == 1
