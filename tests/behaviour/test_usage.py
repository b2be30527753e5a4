"""How often flags and configs are evaluated, and what tells those that nobody uses."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.domain.errors import AppError
from app.domain.ids import new_request_id
from app.engine.instants import rfc3339
from app.jobs.housekeeping import housekeeping_job
from app.jobs.usage import AT_MOST_SECONDS, EVERY_SECONDS, usage_job
from app.models import EvaluationCount, Period, Primitive
from app.runtime.usage import MAX_OUTCOMES, Usage
from app.store.unit_of_work import UnitOfWork
from tests.clients import Api
from tests.clock import SetClock, now
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


DAY = timedelta(days=1)


async def used(workspace: Workspace, caller: Api | None = None, **asked: Any) -> list[dict[str, Any]]:
    found = await (caller or workspace.org.viewer).make("usage", environmentId=workspace.environment_id, **asked)
    return list(found)


async def test_usage_tells_outcomes_series_and_when(instance: Instance, workspace: Workspace, clock: SetClock) -> None:
    caller = instance.bearer(workspace.api_key["token"])  # outlives every session
    clock.stopped_at = datetime(2027, 1, 10, 22, 30, tzinfo=UTC)
    for n in range(4):
        await evaluate(workspace, caller, "checkout", userId=f"u-{n}")
    await flush(instance)
    clock.stopped_at += timedelta(hours=2)
    await caller.make("killFlag", **workspace.checkout)
    await evaluate(workspace, caller, "checkout")
    await flush(instance)
    banner, checkout, limits = sorted(await used(workspace, caller), key=lambda one: str(one["key"]))
    assert (banner["key"], limits["key"], limits["kind"]) == ("banner", "limits", "config")
    assert (banner["total"], banner["outcomes"], banner["series"]) == (0, [], [])
    assert banner["firstEvaluatedAt"] is banner["lastEvaluatedAt"] is None
    at = {"first": "2027-01-10T22:30:00.000000Z", "last": "2027-01-11T00:30:00.000000Z"}
    assert (checkout["total"], checkout["firstEvaluatedAt"], checkout["lastEvaluatedAt"]) == (5, *at.values())
    shared = {"valueOmitted": False}
    assert checkout["outcomes"] == [
        {
            "reason": {"kind": "default"},
            "value": True,
            "count": 4,
            "share": 0.8,
            "lastEvaluatedAt": at["first"],
            **shared,
        },
        {
            "reason": {"kind": "killed"},
            "value": False,
            "count": 1,
            "share": 0.2,
            "lastEvaluatedAt": at["last"],
            **shared,
        },
    ]
    assert checkout["series"] == [
        {"startsAt": "2027-01-10T00:00:00.000000Z", "count": 4},
        {"startsAt": "2027-01-11T00:00:00.000000Z", "count": 1},
    ]
    (by_hour,) = await used(workspace, caller, key="checkout", granularity="hour", since="2027-01-10T23:10:00Z")
    assert by_hour["series"] == [{"startsAt": "2027-01-11T00:00:00.000000Z", "count": 1}]
    assert (by_hour["total"], by_hour["firstEvaluatedAt"]) == (1, at["first"])
    first, second = (
        await used(workspace, caller, limit=2),
        await caller.do("usage", environmentId=workspace.environment_id, limit=1),
    )
    assert len(first) == 2
    assert second.next is not None


@pytest.mark.raises_codes("invalid_request")
async def test_a_span_that_is_not_kept_is_refused(workspace: Workspace) -> None:
    for asked, path in (
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "since"),
        ({"since": "2020-01-02T00:00:00Z"}, "since"),
        ({"granularity": "hour", "since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}, "since"),
        ({"staleDays": 0}, "staleDays"),
        ({"limit": 101}, "limit"),
    ):
        reply = await workspace.org.viewer.do("usage", environmentId=workspace.environment_id, **asked)
        assert reply.code == "invalid_request", asked
        assert path in repr(reply.fields) or (path, "first" in repr(reply.fields)) == ("limit", True), reply.fields


@pytest.mark.raises_codes("not_found")
async def test_usage_is_for_those_who_read_and_of_what_they_see(instance: Instance, workspace: Workspace) -> None:
    one = await instance.token(workspace.org, resources=["flag:checkout"])
    assert [found["key"] for found in await used(workspace, one)] == ["checkout"]
    other = await instance.org("other")
    assert (await other.owner.do("usage", environmentId=workspace.environment_id)).code == "not_found"


async def test_stale_is_what_nobody_evaluates_or_has_one_value(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    caller = instance.bearer(workspace.api_key["token"])  # outlives every session
    await caller.make("updateFlagState", **workspace.banner, rules=SPLIT)
    where = {"environmentId": workspace.environment_id}

    async def seen(days: int = 30) -> dict[str, Any]:
        told = {one["key"]: one["stale"] for one in await used(workspace, caller, staleDays=days)}
        for wanted in (True, False):
            word = wanted if instance.transport == "graphql" else str(wanted).lower()
            listed = []
            for kind in ("flagStates", "configStates"):
                listed += await caller.make(kind, **where, stale=word, staleDays=days)
            assert {one["key"] for one in listed} == {key for key, one in told.items() if one["stale"] is wanted}
            assert {one["key"] for one in listed} == {
                one["key"] for one in await used(workspace, caller, stale=word, staleDays=days)
            }
        return {key: one["reason"] for key, one in told.items() if one["stale"]}

    assert await seen() == {}
    begun = clock.now()
    await evaluate(workspace, caller, "checkout", "limits")
    await flush(instance)
    evaluated = clock.now()
    clock.ahead += 15 * DAY
    for n in range(9):
        await evaluate(workspace, caller, "checkout", "banner", userId=f"u-{n}")
    await flush(instance)
    clock.ahead += 14 * DAY
    assert await seen() == {}
    clock.ahead += DAY
    assert await seen() == {"checkout": "one_value", "limits": "not_evaluated"}
    (limits,) = await used(workspace, caller, key="limits")
    assert limits["stale"]["days"] == 30
    assert "30 days" in limits["stale"]["advice"]
    assert rfc3339(begun) <= limits["stale"]["since"] <= rfc3339(evaluated)
    assert await seen(10) == dict.fromkeys(("banner", "checkout", "limits"), "not_evaluated")
    await caller.make("updateConfig", projectId=workspace.project_id, key="limits", permanent=True)
    assert await seen() == {"checkout": "one_value"}
    await caller.make("killFlag", **workspace.checkout)
    await evaluate(workspace, caller, "checkout")
    await flush(instance)
    assert await seen() == {}


async def test_what_is_never_evaluated_is_stale_once_it_is_old(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    caller = instance.bearer(workspace.api_key["token"])  # outlives every session
    clock.ahead += 29 * DAY
    assert not any(one["stale"]["stale"] for one in await used(workspace, caller))
    clock.ahead += 2 * DAY
    found = await used(workspace, caller)
    assert [one["stale"]["reason"] for one in found] == ["not_evaluated"] * 3
    assert all("since it was created" in one["stale"]["advice"] for one in found)
    wanted = True if instance.transport == "graphql" else "true"
    first = await caller.do("flagStates", environmentId=workspace.environment_id, stale=wanted, limit=1)
    rest = await caller.do(
        "flagStates", environmentId=workspace.environment_id, stale=wanted, limit=1, cursor=first.next
    )
    assert {first.data[0]["key"], rest.data[0]["key"]} == {"banner", "checkout"}
    assert rest.next is None
    segments = await caller.make("segmentStates", environmentId=workspace.environment_id, stale=wanted)
    assert segments == []


async def test_a_key_that_is_made_again_begins_anew(instance: Instance, workspace: Workspace) -> None:
    await evaluate(workspace, workspace.org.viewer, "checkout")
    await flush(instance)
    await workspace.org.admin.make("deleteFlag", projectId=workspace.project_id, key="checkout")
    flag = {"key": "checkout", "type": "boolean", "defaultValue": True}
    await workspace.org.editor.make("createFlag", projectId=workspace.project_id, **flag)
    (found,) = await used(workspace, key="checkout")
    assert (found["total"], found["firstEvaluatedAt"]) == (0, None)
    assert await stored(instance) == {}


async def test_old_counts_go_and_hours_before_days(instance: Instance, workspace: Workspace, clock: SetClock) -> None:
    await evaluate(workspace, workspace.org.viewer, "checkout")
    await flush(instance)
    for ahead, hours, days in ((14, 1, 1), (2, 0, 1), (350, 0, 1), (3, 0, 0)):
        clock.ahead += ahead * DAY
        await housekeeping_job(instance.node).run()
        assert ((await stored(instance)).total(), (await stored(instance, Period.DAY)).total()) == (hours, days)


async def test_counts_are_kept_while_the_database_fails(instance: Instance, workspace: Workspace) -> None:
    await evaluate(workspace, workspace.org.viewer, "checkout", "banner")

    def broken() -> UnitOfWork:
        raise AppError("unavailable", "The database cannot serve now.")

    for _ in range(3):
        with pytest.raises(AppError):
            await instance.node.usage.flush(broken)
        await evaluate(workspace, workspace.org.viewer, "checkout")
    assert (await stored(instance)).total() == 5
    assert instance.node.usage.dropped == 0


async def test_what_is_beyond_the_memory_is_dropped_and_the_rest_saved(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    usage = Usage(clock, instance.node.token_usages, max_pending=2)
    ruleset = await instance.node.rulesets.get(workspace.environment_id)
    outcomes = ruleset.compiled.call({}).evaluate_all()
    usage.note(workspace.environment_id, outcomes)
    usage.note(workspace.environment_id, outcomes[2:])
    await usage.flush(lambda: instance.node.unit(new_request_id()))
    assert (usage.dropped, len(outcomes), (await stored(instance)).total()) == (2, 3, 2)
    usage.note(workspace.environment_id, outcomes)
    await usage.flush(lambda: instance.node.unit(new_request_id()))
    assert (await stored(instance)).total() == 4


async def test_a_key_has_so_many_outcomes_in_an_hour_at_most(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    clock.stopped_at = now()
    for n in range(MAX_OUTCOMES + 3):
        await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue=f"v-{n}")
        await evaluate(workspace, workspace.org.viewer, "banner")
        if n % 10 == 0:
            await flush(instance)
    await flush(instance)
    (found,) = await used(workspace, key="banner")
    assert (found["total"], len(found["outcomes"])) == (MAX_OUTCOMES + 3, MAX_OUTCOMES + 1)
    (rest,) = (one for one in found["outcomes"] if one["valueOmitted"])
    assert (rest["reason"], rest["value"], rest["count"]) == ({"kind": "other"}, None, 3)


async def test_openfeature_is_counted_but_not_what_it_has_already_or_goes_through(
    instance: Instance, workspace: Workspace
) -> None:
    rules = [{"if": {"$flag": "checkout", "$equals": True}, "value": "x"}]
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=rules)
    headers, etag = {"X-Signalbox-Env": workspace.environment_id}, ""
    client = instance.bearer((await instance.minted(workspace.org, resources=["flag:*"]))["token"]).client

    async def asked(path: str, status: int, **more: str) -> Counter[str]:
        nonlocal etag
        before = await by_key()
        url = f"/ofrep/v1/evaluate/flags{path}"
        reply = await client.post(url, json={"context": {"targetingKey": "u-1"}}, headers=headers | more)
        assert reply.status_code == status
        etag = reply.headers.get("etag", etag)
        return await by_key() - before

    async def by_key() -> Counter[str]:
        found = Counter[str]()
        for (key, _, _), times in (await stored(instance)).items():
            found[key] += times
        return found

    assert await asked("/banner", 200) == {"banner": 1}
    assert await asked("/nothing", 404) == {}
    assert await asked("", 200) == {"banner": 1, "checkout": 1}
    assert await asked("", 304, **{"If-None-Match": etag}) == {}


async def test_what_the_job_saves_is_seen(instance: Instance, workspace: Workspace) -> None:
    await evaluate(workspace, workspace.org.viewer, "checkout")
    job = usage_job(instance.node)
    assert EVERY_SECONDS <= await job.run() <= AT_MOST_SECONDS
    (found,) = await used(workspace, key="checkout")
    assert found["total"] == 1


@pytest.mark.raises_codes("token_resource_out_of_scope")
async def test_a_token_tells_its_first_evaluation_and_its_last_refusal(
    instance: Instance, workspace: Workspace
) -> None:
    made = await instance.minted(workspace.org, actions=["read", "evaluate"], resources=["flag:checkout"])
    caller = instance.bearer(made["token"])

    async def token() -> dict[str, Any]:
        await instance.node.token_usages.flush(lambda: instance.node.unit(new_request_id()))
        found = await workspace.org.admin.do("apiKey", orgSlug=workspace.org.slug, apiKeyId=made["id"])
        listed = await workspace.org.admin.make("apiKeys", orgSlug=workspace.org.slug)
        assert found.data == next(one for one in listed if one["id"] == made["id"])
        return dict(found.unwrap(), etag=found.etag)

    unused = await token()
    assert unused["firstEvaluatedAt"] is unused["lastRefusal"] is None
    refused = await caller.do("evaluate", environmentId=workspace.environment_id, context={}, keys=["banner"])
    after = await token()
    assert after["lastRefusal"] == {
        "code": refused.code,
        "at": after["lastRefusal"]["at"],
        "requestId": refused.request_id,
    }
    assert after["firstEvaluatedAt"] is None
    assert after["etag"] != unused["etag"]
    await caller.make("evaluate", environmentId=workspace.environment_id, context={}, keys=["checkout"])
    first = (await token())["firstEvaluatedAt"]
    assert first is not None
    instance.node.token_usages.evaluating.clear()  # as after a restart
    await caller.make("evaluate", environmentId=workspace.environment_id, context={}, keys=["checkout"])
    faulty = await caller.do("usage", environmentId=workspace.environment_id, staleDays=0)
    assert faulty.code == "invalid_request"
    again = await token()
    assert (again["firstEvaluatedAt"], again["lastRefusal"]) == (first, after["lastRefusal"])
