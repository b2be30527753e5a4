"""Promotion: an environment takes over what another one of its project has, but for what is killed."""

import json

import pytest

from app.domain.ids import new_id
from tests.behaviour.conftest import OF_FLAG, OF_SEGMENT
from tests.factories import Instance, Workspace


async def differences(workspace: Workspace, dev: str) -> list[tuple[str, str]]:
    pair = {"environmentId": workspace.environment_id, "against": dev}
    found = await workspace.org.viewer.make("environmentDiff", **pair)
    return [(one["key"], one["dimension"]) for one in found["differences"]]


async def test_one_flag_takes_over_all_dimensions(instance: Instance, workspace: Workspace, dev: str) -> None:
    before, audited = await workspace.version(), len(await instance.audited())
    reply = await workspace.org.editor.do("promoteFlag", **workspace.checkout, fromEnvId=dev, reason="Agreed.")
    state = reply.unwrap()
    assert (state["defaultValue"], state["rules"], state["killed"]) == (False, OF_SEGMENT, False)
    assert state["version"] == await workspace.version() == before + 1
    assert state == await workspace.org.viewer.make("flagState", **workspace.checkout)
    (event,) = (await instance.audited())[audited:]
    assert (event.action, event.resource_type, event.resource_key, event.reason, event.request_id) == (
        "promote",
        "flag",
        "checkout",
        "Agreed.",
        reply.request_id,
    )
    assert json.loads(event.new_value or "") == {"fromEnvId": dev}
    assert await instance.audited_versions(event) == {workspace.environment_id: before + 1}
    references = await workspace.org.viewer.make("segmentReferences", projectId=workspace.project_id, key="staff")
    paths = {one["environmentId"]: one["paths"] for one in references if one["resourceKey"] == "checkout"}
    assert paths[workspace.environment_id] == ["rules.0.if.$segment"]


async def test_a_config_and_a_segment_are_taken_over_too(workspace: Workspace, dev: str) -> None:
    editor, viewer = workspace.org.editor, workspace.org.viewer
    config = await editor.make("promoteConfig", **workspace.limits, fromEnvId="acme:web:dev")
    assert config == await viewer.make("configState", **workspace.limits)
    assert (await workspace.evaluated("limits"))["value"] == {"a": 2}
    segment = await editor.make("promoteSegment", **workspace.staff, fromEnvId=dev)
    whole = await viewer.make("segmentState", **workspace.staff)
    assert (segment["version"], segment["allowListSize"], segment["denyListSize"]) == (whole["version"], 2, 0)
    assert (whole["rules"], whole["allowList"], whole["denyList"]) == ([{}], ["u-1", "u-2"], [])


async def test_everything_is_taken_over_at_one_version(instance: Instance, workspace: Workspace, dev: str) -> None:
    before, audited = await workspace.version(), len(await instance.audited())
    tag = (await workspace.org.viewer.do("environment", environmentId=workspace.environment_id)).etag
    here = {"environmentId": workspace.environment_id}
    promoted = await workspace.org.editor.do("promote", **here, fromEnvId=dev, if_match=tag)
    found = promoted.unwrap()
    assert found["version"] == await workspace.version() == before + 1
    assert await differences(workspace, dev) == [("checkout", "killed")]
    shown = {kind: [one["key"] for one in found[kind]] for kind in ("flags", "configs", "segments")}
    assert shown == {"flags": ["banner", "checkout"], "configs": ["limits"], "segments": ["staff"]}
    assert {one["version"] for kind in shown for one in found[kind]} == {before + 1}
    events = (await instance.audited())[audited:]
    assert {(one.action, one.resource_key) for one in events} == {
        ("promote", key) for key in ("banner", "checkout", "limits", "staff")
    }
    assert (await workspace.evaluated("checkout"))["value"] is True, "everybody is staff"
    assert promoted.etag == (await workspace.org.viewer.do("environment", **here)).etag
    async with instance.unchanged():
        again = await workspace.org.editor.make("promote", **here, fromEnvId=dev)
        assert (again["version"], again["flags"]) == (before + 1, [])
        await workspace.org.editor.make("promoteFlag", **workspace.checkout, fromEnvId=dev)


async def test_only_what_is_named_is_taken_over(workspace: Workspace, dev: str) -> None:
    here = {"environmentId": workspace.environment_id, "fromEnvId": dev}
    found = await workspace.org.editor.make("promote", **here, configs=["limits"], flags=["banner", "banner"])
    assert [one["key"] for one in found["flags"] + found["configs"]] == ["banner", "limits"]
    assert {key for key, _ in await differences(workspace, dev)} == {"checkout", "staff"}


async def test_what_is_needed_is_named_and_taken_along_when_asked(
    instance: Instance, workspace: Workspace, dev: str
) -> None:
    here = {"environmentId": workspace.environment_id, "fromEnvId": dev, "flags": ["banner"]}
    async with instance.unchanged():
        tried = await workspace.org.editor.make("promote", **here, dryRun=True)
        assert tried["needs"] == {"flags": ["checkout"], "configs": [], "segments": ["staff"]}, "transitively"
        assert [(one["key"], one["dimension"], one["value"], one["againstValue"]) for one in tried["differences"]] == [
            ("banner", "defaultValue", "hello", "moin"),
            ("banner", "rules", [], OF_FLAG),
        ]
        whole = await workspace.org.editor.make("promote", **here, dryRun=True, includeNeeds=True)
        assert {one["key"] for one in whole["differences"]} == {"banner", "checkout", "staff"}
        assert "killed" not in {one["dimension"] for one in whole["differences"]}
        assert (whole["needs"], whole["version"]) == (tried["needs"], await workspace.version())
    found = await workspace.org.editor.make("promote", **here, includeNeeds=True)
    assert [one["key"] for one in found["flags"] + found["segments"]] == ["banner", "checkout", "staff"]
    assert await differences(workspace, dev) == [("checkout", "killed"), ("limits", "defaultValue")]


async def test_a_new_environment_has_its_first_version_by_a_promotion(workspace: Workspace) -> None:
    editor, asked = workspace.org.editor, {"projectId": workspace.project_id, "name": "New"}
    one, many = [await editor.make("createEnvironment", **asked, key=key) for key in ("one", "many")]
    state = await editor.make("promoteFlag", environmentId=one["id"], key="banner", fromEnvId=many["id"])
    assert state["version"] == 1
    assert (await editor.make("promote", environmentId=many["id"], fromEnvId=one["id"]))["version"] == 1
    await editor.make("evaluate", environmentId=many["id"], context={})


@pytest.mark.raises_codes("invalid_request")
async def test_a_circle_that_would_arise_is_refused_at_its_reference(instance: Instance, workspace: Workspace) -> None:
    editor, project = workspace.org.editor, {"projectId": workspace.project_id}
    dev = (await editor.make("createEnvironment", **project, key="dev", name="Dev"))["id"]
    await editor.make("updateFlagState", environmentId=dev, key="banner", rules=OF_FLAG)
    circle = [{"if": {"$flag": "banner", "$equals": "x"}, "value": True}]
    await editor.make("updateFlagState", **workspace.checkout, rules=circle)
    message = {"Creates a reference cycle."}
    async with instance.unchanged():
        reply = await editor.do("promoteFlag", **workspace.banner, fromEnvId=dev)
        assert (reply.code, set(reply.fields), set(reply.fields.values())) == (
            "invalid_request",
            {"rules.0.if.$flag"},
            message,
        )
        reply = await editor.do("promote", environmentId=workspace.environment_id, fromEnvId=dev, flags=["banner"])
        assert (set(reply.fields), set(reply.fields.values())) == ({"flags.banner.rules.0.if.$flag"}, message)
    await editor.make("promote", environmentId=workspace.environment_id, fromEnvId=dev)
    assert (await editor.make("flagState", **workspace.banner))["rules"] == OF_FLAG, "with the other end it is none"


@pytest.mark.raises_codes("not_found", "invalid_request")
async def test_every_fault_is_told(instance: Instance, workspace: Workspace, dev: str) -> None:
    editor, here = workspace.org.editor, {"environmentId": workspace.environment_id}
    other = await instance.workspace(workspace.org, key="app")
    async with instance.unchanged():
        for source in (new_id(), "nonsense", other.environment_id):
            for operation, more in (("promote", here), ("promoteFlag", workspace.banner)):
                reply = await editor.do(operation, **more, fromEnvId=source)
                assert (reply.code, "in this project" in reply.message) == ("not_found", True)
        named = {"flags": ["banner", "none"], "segments": ["limits"], "configs": ["limits"]}
        reply = await editor.do("promote", **here, fromEnvId=dev, **named)
        assert (reply.code, set(reply.fields)) == ("not_found", {"flags.1", "segments.0"})
        assert (await workspace.org.viewer.do("promote", **here, fromEnvId=dev, **named)).code == "not_found"
        reply = await editor.do("promote", **here, fromEnvId=dev, flags=["banner"] * 1001, reason="x" * 2001)
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"flags", "reason"})
        assert (await editor.do("promoteFlag", **workspace.banner, fromEnvId=dev, reason="\0")).code is not None


@pytest.mark.raises_codes("precondition_failed")
async def test_an_old_tag_is_refused(instance: Instance, workspace: Workspace, dev: str) -> None:
    editor = workspace.org.editor
    old = (await editor.do("flagState", **workspace.banner)).etag
    environment = (await editor.do("environment", environmentId=workspace.environment_id)).etag
    await editor.make("updateFlagState", **workspace.banner, defaultValue="other")
    async with instance.unchanged():
        for operation, more, tag in (
            ("promoteFlag", workspace.banner, old),
            ("promote", {"environmentId": workspace.environment_id}, environment),
        ):
            reply = await editor.do(operation, **more, fromEnvId=dev, if_match=tag)
            assert reply.code == "precondition_failed"


@pytest.mark.raises_codes("insufficient_role", "token_action_denied", "token_env_out_of_scope", "scope_denied")
async def test_who_may_promote(instance: Instance, workspace: Workspace, dev: str) -> None:
    org, both = workspace.org, [workspace.environment_id, dev]
    here = {"environmentId": workspace.environment_id, "fromEnvId": dev}
    one = {**workspace.banner, "fromEnvId": dev}
    writer = await instance.token(org, actions=["read", "write", "toggle", "propose", "delete"])
    lone = await instance.token(org, level="maintainer", environments={"envs": [workspace.environment_id]})
    blind = await instance.token(org, actions=["promote"])
    some = await instance.token(org, level="maintainer", resources=["banner"], environments={"envs": both})
    async with instance.unchanged():
        for caller, code in (
            (org.viewer, "insufficient_role"),
            (writer, "token_action_denied"),
            (lone, "token_env_out_of_scope"),
            (blind, "token_action_denied"),
        ):
            assert (await caller.do("promoteFlag", **one)).code == code
            assert (await caller.do("promote", **here)).code == code
            assert (await caller.do("promote", **here, dryRun=True)).code == code
        assert (await some.do("promoteConfig", **workspace.limits, fromEnvId=dev)).code == (
            "token_resource_out_of_scope"
        )
        reply = await some.do("promote", **here, flags=["banner", "checkout"], segments=["staff"])
        assert (reply.code, set(reply.fields)) == ("scope_denied", {"flags.1", "segments.0"})
        reply = await some.do("promote", **here, flags=["banner"], includeNeeds=True)
        assert (reply.code, set(reply.fields)) == ("token_resource_out_of_scope", {"includeNeeds"})
        assert (await some.do("promoteFlag", **one)).code == "token_resource_out_of_scope", "the rules need another"
        for more in ({}, {"dryRun": True}):
            reply = await some.do("promote", **here, **more)
            found = reply.code, [*reply.fields]
            assert found == ("token_resource_out_of_scope", ["flags.banner.rules.0.if.$flag"])
    maintainer = await instance.token(org, level="maintainer", environments={"envs": both})
    await maintainer.make("promote", **here)
    assert await differences(workspace, dev) == [("checkout", "killed")]
    for key, change in (("banner", {"defaultValue": "new"}), ("checkout", {"rules": []})):
        await org.editor.make("updateFlagState", environmentId=dev, key=key, **change)
    tried = await some.make("promote", **here, dryRun=True)
    assert {difference["key"] for difference in tried["differences"]} == {"banner"}
    assert tried["needs"] == {"flags": [], "configs": [], "segments": []}, "the live rules rest on checkout already"
