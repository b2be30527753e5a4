"""What people know flags, configs and segments by: names, tags, maintainers. No environment changes by it."""

import json
from typing import Any

import pytest

from app.services import users
from tests.factories import Instance, Workspace

SHOWN = {
    "name": "New checkout",
    "description": "One page instead of four.",
    "tags": ["checkout", "web"],
    "permanent": True,
}


async def editor_of(workspace: Workspace) -> dict[str, str]:
    """As a maintainer is shown."""
    me = (await workspace.org.editor.make("me"))["actor"]
    return {"id": me["id"], "name": me["name"]}


def named(flag: dict[str, Any]) -> dict[str, Any]:
    return {name: flag[name] for name in SHOWN}


async def test_a_new_flag_has_what_it_is_given(workspace: Workspace) -> None:
    editor = await editor_of(workspace)
    made = await workspace.org.editor.make(
        "createFlag",
        projectId=workspace.project_id,
        key="new",
        type="boolean",
        defaultValue=False,
        maintainerId=editor["id"].upper(),
        **SHOWN,
    )
    assert (named(made), made["maintainer"]) == (SHOWN, editor)
    assert await workspace.org.viewer.make("flag", projectId=workspace.project_id, key="new") == made
    assert (await workspace.org.viewer.make("flags", projectId=workspace.project_id))[-1] == made
    state = await workspace.org.viewer.make("flagState", environmentId=workspace.environment_id, key="new")
    assert (state["name"], state["description"]) == (SHOWN["name"], SHOWN["description"])


async def test_without_any_of_it_the_key_is_the_name(workspace: Workspace) -> None:
    flag = await workspace.org.viewer.make("flag", projectId=workspace.project_id, key="banner")
    assert named(flag) == {"name": "banner", "description": "", "tags": [], "permanent": False}
    assert flag["maintainer"] is None
    assert (await workspace.org.viewer.make("flagState", **workspace.banner))["name"] == "banner"


async def test_a_change_is_recorded_and_raises_no_version(instance: Instance, workspace: Workspace) -> None:
    asked = {"projectId": workspace.project_id, "key": "banner"}
    before = await workspace.org.viewer.do("flag", **asked)
    state = await workspace.org.viewer.do("flagState", **workspace.banner)
    editor = await editor_of(workspace)
    changed = await workspace.org.editor.do(
        "updateFlag", **asked, **SHOWN, maintainerId=editor["id"], if_match=before.etag, reason="Agreed."
    )
    assert (named(changed.unwrap()), changed.data["maintainer"]) == (SHOWN, editor)
    assert await workspace.version() == workspace.environment["version"]
    event = (await instance.audited())[-1]
    assert (event.action, event.reason, event.resource_key) == ("update_primitive", "Agreed.", "banner")
    assert json.loads(event.new_value or "") == {**SHOWN, "maintainer_id": editor["id"]}
    assert (await workspace.org.viewer.do("flag", **asked)).etag == changed.etag != before.etag
    assert (await workspace.org.viewer.do("flagState", **workspace.banner)).etag != state.etag
    refused = await workspace.org.editor.do("updateFlag", **asked, name="Late", if_match=before.etag)
    assert refused.code == "precondition_failed"
    cleared = await workspace.org.editor.make(
        "updateFlag", **asked, name=" ", tags=[], maintainerId=None, permanent=False
    )
    assert named(cleared) == {**named(before.unwrap()), "description": SHOWN["description"]}
    assert cleared["maintainer"] is None


async def test_what_is_there_already_changes_nothing(instance: Instance, workspace: Workspace) -> None:
    asked = {"projectId": workspace.project_id, "key": "banner", "maintainerId": (await editor_of(workspace))["id"]}
    made = await workspace.org.editor.do("updateFlag", **asked, **SHOWN)
    async with instance.unchanged():
        again = await workspace.org.editor.do("updateFlag", **asked, **{**SHOWN, "tags": ["web", "checkout", "web"]})
    assert (again.data, again.etag) == (made.data, made.etag)


async def test_tags_are_sorted_and_count_once(workspace: Workspace) -> None:
    asked = {"projectId": workspace.project_id, "key": "banner"}
    flag = await workspace.org.editor.make("updateFlag", **asked, tags=["web", "a.b", "web", "1", "a-b"])
    assert flag["tags"] == ["1", "a-b", "a.b", "web"]
    many = [f"t{number:02}" for number in range(20)]
    assert (await workspace.org.editor.make("updateFlag", **asked, tags=many))["tags"] == many


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"tags": ["ok", "Not Ok", "", "x" * 129]}, {"tags.1", "tags.2", "tags.3"}),
        ({"tags": [f"t{number}" for number in range(21)]}, {"tags"}),
        ({"name": "n" * 201, "description": "d" * 2001}, {"name", "description"}),
        ({"name": "two\nlines", "tags": ["\0"]}, {"name", "tags.0"}),
    ],
)
async def test_all_faults_are_told_at_once(
    instance: Instance, workspace: Workspace, body: dict[str, Any], faults: set[str]
) -> None:
    new = {"key": "new", "type": "boolean", "defaultValue": True}
    async with instance.unchanged():
        for operation, asked in (("createFlag", new), ("updateFlag", {"key": "banner"})):
            reply = await workspace.org.editor.do(operation, projectId=workspace.project_id, **asked, **body)
            assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, faults)


@pytest.mark.raises_codes("not_found")
async def test_who_is_no_member_maintains_nothing(instance: Instance, workspace: Workspace) -> None:
    stranger, _ = await instance.person("stranger")
    new = {"key": "new", "type": "boolean", "defaultValue": True}
    async with instance.unchanged():
        for user_id in (stranger.id, "nobody", workspace.project_id):
            for operation, asked in (("createFlag", new), ("updateFlag", {"key": "banner"})):
                reply = await workspace.org.editor.do(
                    operation, projectId=workspace.project_id, **asked, maintainerId=user_id
                )
                assert (reply.code, reply.status) == ("not_found", 404)


@pytest.mark.parametrize("road", ["removed", "left", "deleted", "purged"])
async def test_who_leaves_maintains_nothing_any_more(instance: Instance, workspace: Workspace, road: str) -> None:
    asked, org = {"projectId": workspace.project_id, "key": "banner"}, workspace.org
    editor = await editor_of(workspace)
    before = await org.editor.do("updateFlag", **asked, maintainerId=editor["id"])
    membership = {"orgSlug": org.slug, "userId": editor["id"]}
    match road:
        case "removed":
            await org.owner.make("removeMember", **membership)
        case "left":
            await org.editor.make("removeMember", **membership)
        case "deleted":
            await org.editor.make("deleteMe", confirm="acme-editor@example.com")
        case "purged":
            async with instance.node.unit("req_test") as uow:
                await users.purge(uow, "acme-editor@example.com")
    after = await org.viewer.do("flag", **asked)
    assert (after.unwrap()["maintainer"], after.etag != before.etag) == (None, True)
    if road in {"removed", "left"}:  # whoever comes back does not take it up again
        made = await org.owner.make(
            "createInvitation", orgSlug=org.slug, email="acme-editor@example.com", role="editor"
        )
        await org.editor.make("acceptInvitation", token=made["acceptUrl"].rpartition("/")[2])
        assert (await org.viewer.make("flag", **asked))["maintainer"] is None


async def test_a_maintainer_is_shown_under_their_present_name(workspace: Workspace) -> None:
    asked = {"projectId": workspace.project_id, "key": "banner"}
    editor = await editor_of(workspace)
    before = await workspace.org.editor.do("updateFlag", **asked, maintainerId=editor["id"])
    await workspace.org.editor.make("updateMe", displayName="Grace")
    after = await workspace.org.viewer.do("flag", **asked)
    assert (after.unwrap()["maintainer"], after.etag != before.etag) == ({**editor, "name": "Grace"}, True)
    refused = await workspace.org.editor.do("updateFlag", **asked, name="Late", if_match=before.etag)
    assert refused.code == "precondition_failed"
