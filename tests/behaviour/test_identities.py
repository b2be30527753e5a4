"""What people know flags, configs and segments by: names, tags, maintainers. No environment changes by it."""

import asyncio
import json
from typing import Any

import pytest

from app.services import users
from tests.factories import Instance, Workspace

OLD = {"flag": "banner", "config": "limits", "segment": "staff"}
NEW: dict[str, dict[str, Any]] = {
    "flag": {"key": "new", "type": "boolean", "defaultValue": True},
    "config": {"key": "new", "type": "json", "defaultValue": None},
    "segment": {"key": "new"},
}
SHOWN = {
    "name": "New checkout",
    "description": "One page instead of four.",
    "tags": ["checkout", "web"],
    "permanent": True,
}


@pytest.fixture(params=["flag", "config", "segment"])
def noun(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def create(noun: str) -> str:
    return f"create{noun.capitalize()}"


def update(noun: str) -> str:
    return f"update{noun.capitalize()}"


def old(workspace: Workspace, noun: str) -> dict[str, str]:
    return {"projectId": workspace.project_id, "key": OLD[noun]}


def old_state(workspace: Workspace, noun: str) -> dict[str, str]:
    return {"environmentId": workspace.environment_id, "key": OLD[noun]}


async def editor_of(workspace: Workspace) -> dict[str, str]:
    """As a maintainer is shown."""
    me = (await workspace.org.editor.make("me"))["actor"]
    return {"id": me["id"], "name": me["name"]}


def named(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in SHOWN}


async def test_a_new_one_has_what_it_is_given(workspace: Workspace, noun: str) -> None:
    editor, of_project = await editor_of(workspace), {"projectId": workspace.project_id}
    given = {**of_project, **NEW[noun], **SHOWN, "maintainerId": editor["id"].upper()}
    made = await workspace.org.editor.make(create(noun), **given)
    assert (named(made), made["maintainer"]) == (SHOWN, editor)
    assert await workspace.org.viewer.make(noun, **of_project, key="new") == made
    assert (await workspace.org.viewer.make(f"{noun}s", **of_project))[-1] == made
    state = await workspace.org.viewer.make(f"{noun}State", environmentId=workspace.environment_id, key="new")
    assert (state["name"], state["description"]) == (SHOWN["name"], SHOWN["description"])


async def test_without_any_of_it_the_key_is_the_name(workspace: Workspace, noun: str) -> None:
    found = await workspace.org.viewer.make(noun, **old(workspace, noun))
    assert named(found) == {"name": OLD[noun], "description": "", "tags": [], "permanent": False}
    assert found["maintainer"] is None
    assert (await workspace.org.viewer.make(f"{noun}State", **old_state(workspace, noun)))["name"] == OLD[noun]


async def test_a_change_is_recorded_and_raises_no_version(instance: Instance, workspace: Workspace, noun: str) -> None:
    asked, viewer = old(workspace, noun), workspace.org.viewer
    before = await viewer.do(noun, **asked)
    state = await viewer.do(f"{noun}State", **old_state(workspace, noun))
    editor = await editor_of(workspace)
    changed = await workspace.org.editor.do(
        update(noun), **asked, **SHOWN, maintainerId=editor["id"], if_match=before.etag, reason="Agreed."
    )
    assert (named(changed.unwrap()), changed.data["maintainer"]) == (SHOWN, editor)
    assert await workspace.version() == workspace.environment["version"]
    event = (await instance.audited())[-1]
    assert (event.action, event.reason, event.resource_key) == ("update_primitive", "Agreed.", OLD[noun])
    assert json.loads(event.new_value or "") == {**SHOWN, "maintainer_id": editor["id"]}
    assert (await viewer.do(noun, **asked)).etag == changed.etag != before.etag
    assert (await viewer.do(f"{noun}State", **old_state(workspace, noun))).etag != state.etag
    refused = await workspace.org.editor.do(update(noun), **asked, name="Late", if_match=before.etag)
    assert refused.code == "precondition_failed"
    cleared = await workspace.org.editor.make(
        update(noun), **asked, name=" ", tags=[], maintainerId=None, permanent=False
    )
    assert named(cleared) == {**named(before.unwrap()), "description": SHOWN["description"]}
    assert cleared["maintainer"] is None


async def test_what_is_there_already_changes_nothing(instance: Instance, workspace: Workspace, noun: str) -> None:
    asked = {**old(workspace, noun), "maintainerId": (await editor_of(workspace))["id"]}
    made = await workspace.org.editor.do(update(noun), **asked, **SHOWN)
    async with instance.unchanged():
        again = await workspace.org.editor.do(update(noun), **asked, **{**SHOWN, "tags": ["web", "checkout", "web"]})
    assert (again.data, again.etag) == (made.data, made.etag)


async def test_tags_are_sorted_and_count_once(workspace: Workspace, noun: str) -> None:
    asked = old(workspace, noun)
    found = await workspace.org.editor.make(update(noun), **asked, tags=["web", "a.b", "web", "1", "a-b"])
    assert found["tags"] == ["1", "a-b", "a.b", "web"]
    many = [f"t{number:02}" for number in range(20)]
    assert (await workspace.org.editor.make(update(noun), **asked, tags=many))["tags"] == many


FAULTS: list[tuple[dict[str, Any], set[str]]] = [
    ({"tags": ["ok", "Not Ok", "", "x" * 129]}, {"tags.1", "tags.2", "tags.3"}),
    ({"tags": [f"t{number}" for number in range(21)]}, {"tags"}),
    ({"name": "n" * 201, "description": "d" * 2001}, {"name", "description"}),
    ({"name": "two\nlines", "tags": ["\0"]}, {"name", "tags.0"}),
]


async def test_all_faults_are_told_at_once(instance: Instance, workspace: Workspace, noun: str) -> None:
    async with instance.unchanged():
        for body, faults in FAULTS:
            for operation, asked in ((create(noun), NEW[noun]), (update(noun), {"key": OLD[noun]})):
                reply = await workspace.org.editor.do(operation, projectId=workspace.project_id, **asked, **body)
                assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, faults)


@pytest.mark.raises_codes("not_found")
async def test_who_is_no_member_maintains_nothing(instance: Instance, workspace: Workspace, noun: str) -> None:
    stranger, _ = await instance.person("stranger")
    async with instance.unchanged():
        for user_id in (stranger.id, "nobody", workspace.project_id):
            for operation, asked in ((create(noun), NEW[noun]), (update(noun), {"key": OLD[noun]})):
                named = {"projectId": workspace.project_id, **asked, "maintainerId": user_id}
                reply = await workspace.org.editor.do(operation, **named)
                assert (reply.code, reply.status) == ("not_found", 404)


@pytest.mark.parametrize("road", ["removed", "left", "deleted", "purged"])
async def test_who_leaves_maintains_nothing_any_more(
    instance: Instance, workspace: Workspace, noun: str, road: str
) -> None:
    asked, org = old(workspace, noun), workspace.org
    editor = await editor_of(workspace)
    before = await org.editor.do(update(noun), **asked, maintainerId=editor["id"])
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
    after = await org.viewer.do(noun, **asked)
    assert (after.unwrap()["maintainer"], after.etag != before.etag) == (None, True)
    if road in {"removed", "left"}:  # whoever comes back does not take it up again
        made = await org.owner.make(
            "createInvitation", orgSlug=org.slug, email="acme-editor@example.com", role="editor"
        )
        await org.editor.make("acceptInvitation", token=made["acceptUrl"].rpartition("/")[2])
        assert (await org.viewer.make(noun, **asked))["maintainer"] is None


async def test_a_maintainer_is_shown_under_their_present_name(workspace: Workspace, noun: str) -> None:
    asked = old(workspace, noun)
    editor = await editor_of(workspace)
    before = await workspace.org.editor.do(update(noun), **asked, maintainerId=editor["id"])
    await workspace.org.editor.make("updateMe", displayName="Grace")
    after = await workspace.org.viewer.do(noun, **asked)
    assert (after.unwrap()["maintainer"], after.etag != before.etag) == ({**editor, "name": "Grace"}, True)
    refused = await workspace.org.editor.do(update(noun), **asked, name="Late", if_match=before.etag)
    assert refused.code == "precondition_failed"


@pytest.mark.all_pairs
async def test_nobody_maintains_what_they_are_given_while_they_leave(workspace: Workspace) -> None:
    org, of_project = workspace.org, {"projectId": workspace.project_id}
    given = [
        org.editor.do(update(noun), **old(workspace, noun), maintainerId=workspace.guest_id)
        for noun in OLD
        for _ in range(3)
    ]
    replies = await asyncio.gather(*given, org.owner.do("removeMember", **workspace.guest))
    assert {reply.code for reply in replies} <= {None, "not_found"}
    for noun in OLD:
        assert [one["maintainer"] for one in await org.viewer.make(f"{noun}s", **of_project)][-1] is None
