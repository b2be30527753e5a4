"""The contexts that an environment keeps to try proposed changes on."""

import json
from typing import Any

import pytest

from tests.clients import Reply
from tests.factories import Instance, Workspace

EXACT = {"n": 2**64 - 1, "m": -(2**63), "z": 1.5, "a": {"b": ["ä", None, True]}, "__proto__": {"constructor": {}}}


async def keep(workspace: Workspace, contexts: Any, **more: Any) -> Reply:
    return await workspace.org.editor.do(
        "setSpotChecks", environmentId=workspace.environment_id, contexts=contexts, **more
    )


async def kept(workspace: Workspace) -> Reply:
    return await workspace.org.viewer.do("spotChecks", environmentId=workspace.environment_id)


async def test_contexts_are_kept_as_they_were_sent(workspace: Workspace) -> None:
    version = await workspace.version()
    before = await kept(workspace)
    assert before.unwrap() == {"contexts": [], "updatedAt": None, "updatedBy": None}
    reply = await keep(workspace, [EXACT, {}, EXACT])
    assert json.dumps(reply.unwrap()["contexts"]) == json.dumps([EXACT, {}, EXACT])  # with the order of the keys
    assert reply.unwrap()["updatedBy"]["name"] == "acme-editor"
    after = await kept(workspace)
    assert (after.unwrap(), after.etag) == (reply.unwrap(), reply.etag)
    assert json.dumps(after.unwrap()["contexts"]) == json.dumps([EXACT, {}, EXACT])
    fewer = await keep(workspace, [{"userId": "u-1"}])
    assert (await kept(workspace)).unwrap() == fewer.unwrap()
    assert fewer.unwrap()["contexts"] == [{"userId": "u-1"}]
    assert fewer.unwrap()["updatedAt"] > after.unwrap()["updatedAt"]
    none = await keep(workspace, [])
    assert none.unwrap()["contexts"] == []
    assert none.unwrap()["updatedBy"] is not None
    assert len({before.etag, after.etag, fewer.etag, none.etag}) == 4
    assert await workspace.version() == version, "no state has changed"


async def test_a_change_is_recorded_with_what_was_and_what_became(instance: Instance, workspace: Workspace) -> None:
    await keep(workspace, [{"userId": "u-1"}])
    before = len(await instance.audited())
    reply = await keep(workspace, [{"n": 2**64 - 1}], reason="Another one says more.")
    (event,) = (await instance.audited())[before:]
    assert (event.action, event.request_id, event.reason) == (
        "set_spot_checks",
        reply.request_id,
        "Another one says more.",
    )
    assert (event.resource_type, event.resource_id) == ("environment", workspace.environment_id)
    assert (event.project_id, event.environment_id) == (workspace.project_id, workspace.environment_id)
    assert json.loads(event.previous_value or "null") == {"contexts": [{"userId": "u-1"}]}
    assert event.new_value == '{"contexts":[{"n":18446744073709551615}]}'


async def test_what_is_kept_already_changes_nothing(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        reply = await keep(workspace, [])
    assert reply.unwrap()["updatedAt"] is None
    first = await keep(workspace, [{"a": 1, "b": [1.0]}])
    async with instance.unchanged():
        for same in ([{"a": 1, "b": [1.0]}], [{"b": [1], "a": 1.0}]):
            again = await keep(workspace, same, reason="Again.")
            assert (again.unwrap(), again.etag) == (first.unwrap(), first.etag)


@pytest.mark.raises_codes("invalid_request")
async def test_every_fault_is_told_at_its_path(instance: Instance, workspace: Workspace) -> None:
    await keep(workspace, [{"userId": "u-1"}])
    largest = "é" * 32_764  # and the key, quotes and braces
    async with instance.unchanged():
        reply = await keep(workspace, [{}, "x", [1], {"a": f"{largest}x"}, None], reason="x" * 2001)
        assert (reply.code, reply.status) == ("invalid_request", 400)
        if instance.transport == "rest":
            assert set(reply.fields) == {"contexts.1", "contexts.2", "contexts.3", "contexts.4", "reason"}
        assert (await keep(workspace, [{}] * 101)).fields == {"contexts": "Must have at most 100 entries."}
        assert set((await keep(workspace, {"a": 1})).fields) == {"contexts"}
        assert set((await keep(workspace, [{}], more=1)).fields) == {"more"}
    (await keep(workspace, [{"a": largest}, *[{}] * 99])).unwrap()


async def test_a_protected_environment_and_a_token_that_may_write_set_them(
    instance: Instance, workspace: Workspace
) -> None:
    await instance.protect(workspace.environment_id)
    (await keep(workspace, [{"a": 1}])).unwrap()
    asked: dict[str, Any] = {"environmentId": workspace.environment_id, "contexts": [{"a": 2}]}
    single = {"environments": {"envs": [workspace.environment_id]}, "level": "maintainer", "resources": ["flag:none"]}
    (await (await instance.token(workspace.org, **single)).do("setSpotChecks", **asked)).unwrap()
    asked["contexts"] = [{"a": 3}]
    waiting = await instance.token(workspace.org, **single, approvalRequired=True)
    async with instance.unchanged():
        assert (await waiting.do("setSpotChecks", **asked)).code == "approval_not_supported"


async def test_they_go_with_their_environment(instance: Instance, workspace: Workspace) -> None:
    await keep(workspace, [{"userId": "u-1"}])
    copy = await workspace.org.editor.make(
        "createEnvironment",
        projectId=workspace.project_id,
        key="copy",
        name="Copy",
        copyFromEnvId=workspace.environment_id,
    )
    assert (await workspace.org.viewer.make("spotChecks", environmentId=copy["id"]))["contexts"] == []
    await workspace.org.owner.make("deleteEnvironment", environmentId=workspace.environment_id, confirm="prod")
    assert (await instance.rows())["spot_checks"] == []
