"""A flag's state: changed, killed and restored; and what changes nothing."""

from typing import Any

import pytest

from tests.factories import Instance, Workspace


async def test_a_default_is_changed(workspace: Workspace) -> None:
    before = await workspace.org.viewer.make("flagState", **workspace.banner)
    changed = await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
    assert (changed["defaultValue"], changed["version"]) == ("bye", await workspace.version())
    assert (changed["updatedBy"]["name"], before["updatedBy"]["name"]) == ("acme-editor", "acme-owner")
    assert changed["updatedAt"] > before["updatedAt"]
    reported = ("defaultValue", "summary", "version", "updatedAt", "updatedBy")
    assert {name: value for name, value in changed.items() if name not in reported} == {
        name: value for name, value in before.items() if name not in reported
    }
    assert await workspace.org.viewer.make("flagState", **workspace.banner) == changed


@pytest.mark.parametrize("value", ["", "null", "\0", "ünïcödé \U0001f600", "x" * 10_000, " "])
async def test_a_string_comes_back_as_it_was_sent(workspace: Workspace, value: str) -> None:
    changed = await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue=value)
    assert changed["defaultValue"] == value
    assert (await workspace.evaluated("banner"))["value"] == value


async def test_kill_and_restore(workspace: Workspace) -> None:
    killed = await workspace.org.editor.make("killFlag", **workspace.checkout)
    assert (killed["killed"], killed["defaultValue"], killed["version"]) == (True, True, await workspace.version())
    restored = await workspace.org.editor.make("restoreFlag", **workspace.checkout)
    assert (restored["killed"], restored["version"]) == (False, killed["version"] + 1)
    assert await workspace.org.viewer.make("flagState", **workspace.checkout) == restored


async def test_a_killed_flag_is_changed_and_stays_killed(workspace: Workspace) -> None:
    await workspace.org.editor.make("killFlag", **workspace.banner)
    changed = await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="bye")
    assert (changed["killed"], changed["defaultValue"]) == (True, "bye")


async def test_one_environment_is_changed_and_no_other(workspace: Workspace) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    state = await workspace.org.viewer.make("flagState", environmentId=dev["id"], key="checkout")
    assert (state["killed"], state["version"]) == (False, 0)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("updateFlagState", {}),
        ("updateFlagState", {"defaultValue": "hello"}),
        ("updateFlagState", {"rules": []}),
        ("updateFlagState", {"defaultValue": "hello", "rules": [], "reason": "Just to be sure."}),
        ("restoreFlag", {}),
        ("restoreFlag", {"reason": "Just to be sure."}),
    ],
)
async def test_a_write_that_changes_nothing_leaves_no_trace(
    instance: Instance, workspace: Workspace, operation: str, arguments: dict[str, Any]
) -> None:
    before = await workspace.org.viewer.do("flagState", **workspace.banner)
    async with instance.unchanged():
        reply = await workspace.org.editor.do(operation, **workspace.banner, **arguments)
        assert (reply.code, reply.status) == (None, 200)
        assert (reply.data, reply.etag) == (before.data, before.etag)
    assert await workspace.version() == workspace.environment["version"]


async def test_killing_a_killed_flag_leaves_no_trace(instance: Instance, workspace: Workspace) -> None:
    killed = await workspace.org.editor.make("killFlag", **workspace.checkout)
    async with instance.unchanged():
        assert await workspace.org.admin.make("killFlag", **workspace.checkout, reason="Again!") == killed


@pytest.mark.parametrize(
    ("operation", "key", "arguments"),
    [
        ("updateOrg", "slug", {"name": "Acme"}),
        ("updateOrg", "slug", {}),
        ("updateProject", "projectId", {"name": "Web"}),
        ("updateEnvironment", "environmentId", {"name": "Production"}),
    ],
)
async def test_a_rename_to_the_same_name_leaves_no_trace(
    instance: Instance, workspace: Workspace, operation: str, key: str, arguments: dict[str, Any]
) -> None:
    ids = {"slug": workspace.org.slug, "projectId": workspace.project_id, "environmentId": workspace.environment_id}
    async with instance.unchanged():
        reply = await workspace.org.admin.do(operation, **{key: ids[key]}, **arguments)
        assert (reply.code, reply.status) == (None, 200)


@pytest.mark.parametrize(
    ("key", "arguments", "faults"),
    [
        ("checkout", {"defaultValue": "true"}, {"defaultValue"}),
        ("checkout", {"defaultValue": None}, {"defaultValue"}),
        ("checkout", {"defaultValue": 0}, {"defaultValue"}),
        ("banner", {"defaultValue": ["a"]}, {"defaultValue"}),
        ("banner", {"defaultValue": "x", "reason": "r" * 2001}, {"reason"}),
        ("banner", {"reason": "\0"}, {"reason"}),
    ],
)
async def test_a_change_with_faults_changes_nothing(
    instance: Instance, workspace: Workspace, key: str, arguments: dict[str, Any], faults: set[str]
) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do(
            "updateFlagState", environmentId=workspace.environment_id, key=key, **arguments
        )
        assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, faults)


@pytest.mark.parametrize("operation", ["updateFlagState", "killFlag", "restoreFlag"])
async def test_a_flag_that_is_not_there_is_not_found(instance: Instance, workspace: Workspace, operation: str) -> None:
    async with instance.unchanged():
        for key in ("none", "CHECKOUT", "checkout ", "%00", "\0"):
            reply = await workspace.org.editor.do(operation, environmentId=workspace.environment_id, key=key)
            assert (reply.code, reply.status) == ("not_found", 404), key


async def test_where_it_is_protected_a_change_waits_for_approval(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.editor.make("killFlag", **workspace.banner)
    await instance.protect(workspace.environment_id)
    async with instance.only_proposed():
        for operation, arguments in (("updateFlagState", {"defaultValue": "bye"}), ("restoreFlag", {})):
            proposal = await workspace.org.owner.make(operation, **workspace.banner, **arguments)
            assert proposal["status"] == "pending"
    async with instance.unchanged():
        await workspace.org.editor.make(
            "updateFlagState", **workspace.banner, defaultValue="hello"
        )  # what changes nothing


async def test_where_it_is_protected_a_kill_is_immediate(instance: Instance, workspace: Workspace) -> None:
    await instance.protect(workspace.environment_id)
    killed = await workspace.org.editor.make("killFlag", **workspace.checkout, reason="It burns.")
    assert killed["killed"] is True
    assert (await instance.audited())[-1].action == "kill"
