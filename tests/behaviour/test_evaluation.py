"""The ruleset, and what keys evaluate to: at once after each write, whoever asks."""

import asyncio
from typing import Any

import pytest

from tests.factories import Instance, Workspace

LIMITS = {"value": {"a": 1}, "defaultValue": {"a": 1}, "reason": {"kind": "default"}}


async def evaluate(workspace: Workspace, **arguments: Any) -> dict[str, Any]:
    answer = await workspace.org.viewer.make(
        "evaluate", environmentId=workspace.environment_id, **{"context": {}, **arguments}
    )
    assert answer["environmentId"] == workspace.environment_id
    return dict(answer["evaluations"])


async def test_without_keys_all_flags_and_configs_are_evaluated(workspace: Workspace) -> None:
    expected = {
        "checkout": {"value": True, "defaultValue": True, "reason": {"kind": "default"}},
        "banner": {"value": "hello", "defaultValue": "hello", "reason": {"kind": "default"}},
        "limits": LIMITS,
    }
    for arguments in ({}, {"keys": ["*"]}):
        assert await evaluate(workspace, **arguments) == expected


async def test_the_keys_asked_for_are_evaluated_and_an_unknown_one_is_null(workspace: Workspace) -> None:
    found = await evaluate(workspace, keys=["banner", "none", "Checkout", "banner"])
    assert list(found) == ["banner", "none", "Checkout"]
    assert found["banner"]["value"] == "hello"
    assert (found["none"], found["Checkout"]) == (None, None)
    assert await evaluate(workspace, keys=[]) == {}


async def test_a_star_beside_other_keys_is_a_key_like_any_other(workspace: Workspace) -> None:
    assert await evaluate(workspace, keys=["*", "none"]) == {"*": None, "none": None}


async def test_a_killed_boolean_flag_is_false_and_a_killed_string_flag_its_default(workspace: Workspace) -> None:
    for flag in (workspace.checkout, workspace.banner):
        await workspace.org.editor.make("killFlag", **flag)
    assert await evaluate(workspace) == {
        "checkout": {"value": False, "defaultValue": True, "reason": {"kind": "killed"}},
        "banner": {"value": "hello", "defaultValue": "hello", "reason": {"kind": "killed"}},
        "limits": LIMITS,
    }


async def test_a_write_is_seen_by_the_next_evaluation(workspace: Workspace) -> None:
    for n in range(5):
        state = await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue=f"take {n}")
        answer = await workspace.org.viewer.make(
            "evaluate", environmentId=workspace.environment_id, context={}, keys=["banner"]
        )
        assert answer["version"] == state["version"]
        assert answer["evaluations"]["banner"]["value"] == f"take {n}"


@pytest.mark.all_pairs
async def test_a_write_is_seen_even_where_evaluations_crowd_around_it(workspace: Workspace) -> None:
    async def write_and_look(n: int) -> None:
        state = await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue=f"take {n}")
        answer = await workspace.org.viewer.make("evaluate", environmentId=workspace.environment_id, context={})
        assert answer["version"] >= state["version"]

    await asyncio.gather(*(write_and_look(n) for n in range(20)))
    last = (await workspace.org.viewer.make("flagState", **workspace.banner))["defaultValue"]
    assert (await workspace.evaluated("banner"))["value"] == last


async def test_a_flag_made_after_the_first_evaluation_is_there(workspace: Workspace) -> None:
    assert await workspace.evaluated("new") is None
    await workspace.org.editor.make(
        "createFlag", projectId=workspace.project_id, key="new", type="boolean", defaultValue=True
    )
    assert (await workspace.evaluated("new"))["value"] is True


async def test_evaluating_writes_nothing(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        await evaluate(workspace, context={"userId": "u1"})
        await workspace.org.viewer.make("ruleset", environmentId=workspace.environment_id)


async def test_the_ruleset_holds_all_states_at_one_version(workspace: Workspace) -> None:
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    assert await workspace.org.viewer.make("ruleset", environmentId=workspace.environment_id) == {
        "environmentId": workspace.environment_id,
        "version": await workspace.version(),
        "targetIdField": "userId",
        "flags": {
            "checkout": {"type": "boolean", "defaultValue": True, "killed": True, "rules": []},
            "banner": {"type": "string", "defaultValue": "hello", "killed": False, "rules": []},
        },
        "configs": {"limits": {"type": "json", "defaultValue": {"a": 1}, "rules": []}},
        "segments": {"staff": {"rules": [], "allowList": [], "denyList": []}},
    }


@pytest.mark.raises_codes("ruleset_not_cached")
async def test_before_the_first_write_there_is_no_ruleset(instance: Instance, workspace: Workspace) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    async with instance.unchanged():
        for operation, arguments in (("ruleset", {}), ("evaluate", {"context": {}})):
            reply = await workspace.org.viewer.do(operation, environmentId=dev["id"], **arguments)
            assert (reply.code, reply.status) == ("ruleset_not_cached", 503)
        assert len(await workspace.org.viewer.make("flagStates", environmentId=dev["id"])) == 2
    await workspace.org.editor.make("killFlag", environmentId=dev["id"], key="banner")
    answer = await workspace.org.viewer.make("evaluate", environmentId=dev["id"], context={})
    assert (answer["version"], set(answer["evaluations"])) == (1, {"checkout", "banner", "limits"})


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
async def test_a_faulty_evaluation_is_refused(workspace: Workspace, arguments: dict[str, Any]) -> None:
    reply = await workspace.org.viewer.do(
        "evaluate", environmentId=workspace.environment_id, **{"context": {}, **arguments}
    )
    assert (reply.code, reply.status) == ("invalid_request", 400)


async def looking_into_an_array(workspace: Workspace, conditions: int, **more: Any) -> None:
    """Rules that look into the array `tags` so many times."""
    condition = {"$or": [{"field": "tags", "$contains": n} for n in range(1, conditions)]}
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, rules=[{"if": condition, "value": False}])


@pytest.mark.raises_codes("invalid_request")
async def test_what_compares_too_much_is_refused_at_the_context(workspace: Workspace) -> None:
    await looking_into_an_array(workspace, 501)
    asked = {"environmentId": workspace.environment_id, "keys": ["checkout"]}
    answer = await workspace.org.viewer.make("evaluate", **asked, context={"tags": [0] * 10_000})
    assert answer["evaluations"]["checkout"]["value"] is True
    reply = await workspace.org.viewer.do("evaluate", **asked, context={"tags": [0] * 10_001})
    assert reply.code == "invalid_request"
    assert set(reply.fields) == {"context"}
    assert "5,000,000" in reply.fields["context"]


async def test_others_are_answered_while_a_long_evaluation_goes_on(workspace: Workspace) -> None:
    await looking_into_an_array(workspace, 9_000)
    asked = {"environmentId": workspace.environment_id, "context": {"tags": [0] * 200}, "verboseReason": True}
    evaluating = asyncio.create_task(workspace.org.viewer.make("evaluate", **asked))
    answered = 0
    while not evaluating.done():
        await workspace.evaluated("banner")
        answered += 1
    assert answered > 1
    trace = (await evaluating)["evaluations"]["checkout"]["reason"]["trace"]
    assert len(trace[0]["condition"]["children"]) == 8_999
