"""The ruleset, and what keys evaluate to: at once after each write, whoever asks."""

import asyncio
from typing import Any

import pytest

from tests.factories import Instance, Place


async def evaluate(place: Place, **arguments: Any) -> dict[str, Any]:
    answer = await place.org.viewer.make("evaluate", environmentId=place.environment_id, **{"context": {}, **arguments})
    assert answer["environmentId"] == place.environment_id
    return dict(answer["evaluations"])


async def test_without_keys_all_flags_are_evaluated(place: Place) -> None:
    expected = {
        "checkout": {"value": True, "defaultValue": True, "reason": {"kind": "default"}},
        "banner": {"value": "hello", "defaultValue": "hello", "reason": {"kind": "default"}},
    }
    for arguments in ({}, {"keys": ["*"]}):
        assert await evaluate(place, **arguments) == expected


async def test_the_keys_asked_for_are_evaluated_and_an_unknown_one_is_null(place: Place) -> None:
    found = await evaluate(place, keys=["banner", "none", "Checkout", "banner"])
    assert list(found) == ["banner", "none", "Checkout"]
    assert found["banner"]["value"] == "hello"
    assert (found["none"], found["Checkout"]) == (None, None)
    assert await evaluate(place, keys=[]) == {}


async def test_a_star_beside_other_keys_is_a_key_like_any_other(place: Place) -> None:
    assert await evaluate(place, keys=["*", "none"]) == {"*": None, "none": None}


async def test_a_killed_boolean_flag_is_false_and_a_killed_string_flag_its_default(place: Place) -> None:
    for flag in (place.checkout, place.banner):
        await place.org.editor.make("killFlag", **flag)
    assert await evaluate(place) == {
        "checkout": {"value": False, "defaultValue": True, "reason": {"kind": "killed"}},
        "banner": {"value": "hello", "defaultValue": "hello", "reason": {"kind": "killed"}},
    }


async def test_a_write_is_seen_by_the_next_evaluation(place: Place) -> None:
    for n in range(5):
        state = await place.org.editor.make("updateFlagState", **place.banner, defaultValue=f"take {n}")
        answer = await place.org.viewer.make(
            "evaluate", environmentId=place.environment_id, context={}, keys=["banner"]
        )
        assert answer["version"] == state["version"]
        assert answer["evaluations"]["banner"]["value"] == f"take {n}"


async def test_a_write_is_seen_even_where_evaluations_crowd_around_it(place: Place) -> None:
    async def write_and_look(n: int) -> None:
        state = await place.org.editor.make("updateFlagState", **place.banner, defaultValue=f"take {n}")
        answer = await place.org.viewer.make("evaluate", environmentId=place.environment_id, context={})
        assert answer["version"] >= state["version"]

    await asyncio.gather(*(write_and_look(n) for n in range(20)))
    last = (await place.org.viewer.make("flagState", **place.banner))["defaultValue"]
    assert (await place.evaluated("banner"))["value"] == last


async def test_a_flag_made_after_the_first_evaluation_is_there(place: Place) -> None:
    assert await place.evaluated("new") is None
    await place.org.editor.make("createFlag", projectId=place.project_id, key="new", type="boolean", defaultValue=True)
    assert (await place.evaluated("new"))["value"] is True


async def test_evaluating_writes_nothing(instance: Instance, place: Place) -> None:
    async with instance.unchanged():
        await evaluate(place, context={"userId": "u1"})
        await place.org.viewer.make("ruleset", environmentId=place.environment_id)


async def test_the_ruleset_holds_all_states_at_one_version(place: Place) -> None:
    await place.org.editor.make("killFlag", **place.checkout)
    assert await place.org.viewer.make("ruleset", environmentId=place.environment_id) == {
        "environmentId": place.environment_id,
        "version": await place.version(),
        "targetIdField": "userId",
        "flags": {
            "checkout": {"type": "boolean", "defaultValue": True, "killed": True, "rules": []},
            "banner": {"type": "string", "defaultValue": "hello", "killed": False, "rules": []},
        },
        "configs": {},
        "segments": {},
    }


@pytest.mark.provokes("ruleset_not_cached")
async def test_before_the_first_write_there_is_no_ruleset(instance: Instance, place: Place) -> None:
    dev = await place.org.editor.make("createEnvironment", projectId=place.project_id, key="dev", name="Dev")
    async with instance.unchanged():
        for operation, arguments in (("ruleset", {}), ("evaluate", {"context": {}})):
            reply = await place.org.viewer.do(operation, environmentId=dev["id"], **arguments)
            assert (reply.code, reply.status) == ("ruleset_not_cached", 503)
        assert len(await place.org.viewer.make("flagStates", environmentId=dev["id"])) == 2
    await place.org.editor.make("killFlag", environmentId=dev["id"], key="banner")
    answer = await place.org.viewer.make("evaluate", environmentId=dev["id"], context={})
    assert (answer["version"], set(answer["evaluations"])) == (1, {"checkout", "banner"})


@pytest.mark.parametrize(
    "arguments",
    [
        {"context": []},
        {"context": None},
        {"context": "x"},
        {"keys": [1]},
        {"keys": "checkout"} | {"context": 3},
        {"keys": ["k"] * 1001},
        {"unknown": True},
    ],
)
async def test_a_faulty_evaluation_is_refused(place: Place, arguments: dict[str, Any]) -> None:
    reply = await place.org.viewer.do("evaluate", environmentId=place.environment_id, **{"context": {}, **arguments})
    assert (reply.code, reply.status) == ("invalid_request", 400)
