"""What has become of a ruleset since a version: what changed and what has gone, for what this caller may see."""

import asyncio
from random import Random
from typing import Any

import pytest

from tests.clients import Api
from tests.differences import KINDS, applied
from tests.factories import Instance, Workspace

NOTHING: dict[str, Any] = {"flags": [], "configs": [], "segments": []}
EMPTY: dict[str, Any] = {"flags": {}, "configs": {}, "segments": {}}


async def since(workspace: Workspace, version: int, caller: Api | None = None) -> dict[str, Any]:
    found = await (caller or workspace.org.viewer).make(
        "ruleset", environmentId=workspace.environment_id, since=version
    )
    return dict(found)


async def create(workspace: Workspace, key: str, value: Any = True, **more: Any) -> None:
    kind = "boolean" if isinstance(value, bool) else "string"
    flag = {"key": key, "type": kind, "defaultValue": value, **more}
    await workspace.org.editor.make("createFlag", projectId=workspace.project_id, **flag)


async def delete(workspace: Workspace, key: str) -> None:
    await workspace.org.admin.make("deleteFlag", projectId=workspace.project_id, key=key)


async def test_it_has_what_changed_and_what_has_gone(workspace: Workspace) -> None:
    await create(workspace, "gone")
    version = await workspace.version()
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    await create(workspace, "new")
    await create(workspace, "brief")
    await delete(workspace, "brief")
    await delete(workspace, "gone")
    assert await since(workspace, version) == {
        "environmentId": workspace.environment_id,
        "version": version + 5,
        "targetIdField": "userId",
        "since": version,
        "removed": {**NOTHING, "flags": ["gone"]},
        **EMPTY,
        "flags": {
            "checkout": {"type": "boolean", "defaultValue": True, "killed": True, "rules": []},
            "new": {"type": "boolean", "defaultValue": True, "killed": False, "rules": []},
        },
    }


async def test_of_the_present_version_it_is_empty(workspace: Workspace) -> None:
    version = await workspace.version()
    found = await since(workspace, version)
    assert {name: found[name] for name in (*KINDS, "since", "removed")} == {
        **EMPTY,
        "since": version,
        "removed": NOTHING,
    }


async def test_of_an_unknown_version_it_is_everything(workspace: Workspace) -> None:
    whole = await workspace.org.viewer.make("ruleset", environmentId=workspace.environment_id)
    for version in (0, whole["version"] + 1, 2**31 - 1):
        assert await since(workspace, version) == whole
    copy = await workspace.org.editor.make(
        "createEnvironment",
        projectId=workspace.project_id,
        key="copy",
        name="Copy",
        copyFromEnvId=workspace.environment_id,
    )
    first = await workspace.org.viewer.make("ruleset", environmentId=copy["id"], since=1)
    assert (first["version"], first["since"], first["flags"]) == (1, 1, {})


async def test_a_key_deleted_and_made_again_is_changed_and_not_removed(workspace: Workspace) -> None:
    version = await workspace.version()
    await delete(workspace, "banner")
    await create(workspace, "banner", False)
    found = await since(workspace, version)
    assert (found["removed"], found["flags"]["banner"]["type"]) == (NOTHING, "boolean")


async def test_another_target_id_field_alone_changes_no_key(workspace: Workspace) -> None:
    version = await workspace.version()
    await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField="device")
    found = await since(workspace, version)
    assert (found["version"], found["targetIdField"]) == (version + 1, "device")
    assert {name: found[name] for name in (*KINDS, "removed")} == {**EMPTY, "removed": NOTHING}


@pytest.mark.raises_codes("invalid_request")
async def test_no_negative_version_is_asked_for(instance: Instance, workspace: Workspace) -> None:
    reply = await workspace.org.viewer.do("ruleset", environmentId=workspace.environment_id, since=-1)
    assert (reply.code, list(reply.fields)) == ("invalid_request", ["since" if graphql(instance) else "?since"])


@pytest.mark.parametrize("version", ["", "x", "1.5", "-1", "1e400"])
async def test_what_is_no_version_is_refused(instance: Instance, workspace: Workspace, version: str) -> None:
    reply = await workspace.org.viewer.do("ruleset", environmentId=workspace.environment_id, since=version)
    assert reply.code == "invalid_request"
    assert list(reply.fields) == ["variables.since" if graphql(instance) else "?since"]


def graphql(instance: Instance) -> bool:
    return instance.transport == "graphql"


async def test_a_token_sees_keys_come_and_go_with_what_refers_to_them(instance: Instance, workspace: Workspace) -> None:
    token = await instance.token(workspace.org, level="observer", resources=["checkout"])
    alone = await workspace.version()
    rules = [{"if": {"$flag": "banner", "$equals": "hello"}, "value": False}]
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, rules=rules)
    referring = await workspace.version()
    found = await since(workspace, alone, token)
    assert (set(found["flags"]), found["removed"]) == ({"checkout", "banner"}, NOTHING)
    await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
    assert set((await since(workspace, referring, token))["flags"]) == {"banner"}
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, rules=[])
    found = await since(workspace, referring, token)
    assert (set(found["flags"]), found["removed"]["flags"]) == ({"checkout"}, ["banner"])
    found = await since(workspace, alone, token)
    assert (set(found["flags"]), found["removed"]) == ({"checkout"}, NOTHING)
    now = await workspace.version()
    await workspace.org.editor.make("killFlag", **workspace.banner)
    await delete(workspace, "banner")
    found = await since(workspace, now, token)
    assert (found["version"], found["flags"], found["removed"]) == (now + 2, {}, NOTHING)


async def test_an_entry_of_a_list_changes_its_segment_for_those_whose_keys_need_it(
    instance: Instance, workspace: Workspace
) -> None:
    editor = workspace.org.editor
    rules = [{"if": {"$segment": "staff"}, "value": False}]
    await editor.make("updateFlagState", **workspace.checkout, rules=rules)
    version = await workspace.version()
    await editor.make("updateAllowList", **workspace.staff, add=["u-2"])
    changed = {"staff": {"rules": [], "allowList": ["u-2"], "denyList": []}}
    for resources, segments in ((["*"], changed), (["checkout"], changed), (["banner"], {})):
        token = await instance.token(workspace.org, level="observer", resources=resources)
        found = await since(workspace, version, token)
        assert {name: found[name] for name in (*KINDS, "removed")} == {
            **EMPTY,
            "segments": segments,
            "removed": NOTHING,
        }


async def test_a_flag_replaced_by_a_config_of_its_key_is_removed_and_the_config_is_there(workspace: Workspace) -> None:
    version = await workspace.version()
    await delete(workspace, "banner")
    config = {"key": "banner", "type": "number", "defaultValue": 5}
    await workspace.org.editor.make("createConfig", projectId=workspace.project_id, **config)
    found = await since(workspace, version)
    assert (found["flags"], found["removed"]) == ({}, {**NOTHING, "flags": ["banner"]})
    assert found["configs"] == {"banner": {"type": "number", "defaultValue": 5, "rules": []}}


async def test_it_has_a_tag_and_answers_304_to_it(workspace: Workspace) -> None:
    client, path = workspace.org.viewer.client, f"/api/v1/envs/{workspace.environment_id}/ruleset"
    version = await workspace.version()
    now, before, whole = [
        await client.get(path + query) for query in (f"?since={version}", f"?since={version - 1}", "")
    ]
    assert len({one.headers["etag"] for one in (now, before, whole)}) == 3
    for one in (now, before):
        assert one.headers["cache-control"] == "private, no-cache"
        assert one.headers["vary"] == whole.headers["vary"]
        again = await client.get(str(one.url), headers={"If-None-Match": one.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    again = await client.get(str(now.url), headers={"If-None-Match": now.headers["etag"]})
    assert (again.status_code, set(again.json()["flags"])) == (200, {"checkout"})


@pytest.mark.all_pairs
async def test_it_is_right_while_others_write(instance: Instance, workspace: Workspace) -> None:
    token = await instance.token(workspace.org, level="observer", resources=["banner"])
    first = await workspace.org.viewer.make("ruleset", environmentId=workspace.environment_id)
    written = {first["version"]: first["flags"]["banner"]["defaultValue"]}

    async def write() -> None:
        for n in range(6):
            state = await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue=f"take {n}")
            written[state["version"]] = state["defaultValue"]

    async def follow(caller: Api) -> list[tuple[int, str]]:
        ruleset, seen = first, list[tuple[int, str]]()
        while ruleset["version"] < first["version"] + 6:
            ruleset = applied(ruleset, await since(workspace, ruleset["version"], caller))
            seen.append((ruleset["version"], ruleset["flags"]["banner"]["defaultValue"]))
        return seen

    _, *followed = await asyncio.gather(write(), follow(workspace.org.viewer), follow(token), follow(token))
    assert all(written[version] == value for seen in followed for version, value in seen)


@pytest.mark.parametrize("seed", range(2))
async def test_from_every_version_it_leads_to_the_present_one(
    instance: Instance, workspace: Workspace, seed: int
) -> None:
    """Whatever is written: keys made, deleted and made again, references made and dropped."""
    random, keys = Random(seed), [f"f.{n}" for n in range(3)]
    scopes = ["f.0"], ["f.1", "f.2"], ["flag:f.*"]
    tokens = [await instance.token(workspace.org, level="observer", resources=resources) for resources in scopes]
    callers = [workspace.org.viewer, *tokens]
    seen: list[dict[int, dict[str, Any]]] = [{} for _ in callers]
    for key in keys:
        await create(workspace, key)
    for _ in range(15):
        key, other = random.choice(keys), random.choice(keys)
        refers = random.choice([{"$flag": other, "$equals": True}, {"$segment": "staff"}, None])
        rules = [] if refers is None else [{"if": refers, "value": False}]
        state = {"environmentId": workspace.environment_id, "key": key}
        if random.random() < 0.2:
            await workspace.org.editor.make("updateAllowList", **workspace.staff, add=[key], remove=[other])
        elif random.random() < 0.2:
            await workspace.org.admin.do("deleteFlag", projectId=workspace.project_id, key=key)
        elif (await workspace.org.editor.do("updateFlagState", **state, rules=rules)).code == "not_found":
            await create(workspace, key)
        for caller, rulesets in zip(callers, seen, strict=True):
            ruleset = await caller.make("ruleset", environmentId=workspace.environment_id)
            rulesets[ruleset["version"]] = ruleset
    for caller, rulesets in zip(callers, seen, strict=True):
        present = rulesets[max(rulesets)]
        for version, ruleset in rulesets.items():
            assert applied(ruleset, await since(workspace, version, caller)) == present
