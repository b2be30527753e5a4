"""Flags: made in every environment at once, read, and what refuses a new one."""

import asyncio
from typing import Any

import pytest

from tests.factories import Instance, Org, Workspace


async def test_a_new_flag_is_in_every_environment(org: Org) -> None:
    project = await org.editor.make("createProject", orgSlug=org.slug, key="web", name="Web")
    for key in ("prod", "dev"):
        await org.editor.make("createEnvironment", projectId=project["id"], key=key, name=key)
    flag = await org.editor.make(
        "createFlag", projectId=project["id"], key="checkout", type="boolean", defaultValue=True
    )
    assert flag["initialValue"] is True
    for environment in await org.viewer.make("environments", projectId=project["id"]):
        assert environment["version"] == 1
        states = await org.viewer.make("flagStates", environmentId=environment["id"])
        assert [(state["key"], state["defaultValue"], state["killed"]) for state in states] == [
            ("checkout", True, False)
        ]


async def test_a_flags_identity_is_the_projects(workspace: Workspace) -> None:
    made = await workspace.org.editor.make(
        "createFlag",
        projectId=workspace.project_id,
        key="theme",
        type="string",
        defaultValue="",
        description="Colours.",
    )
    assert (made["key"], made["type"], made["description"], made["initialValue"]) == ("theme", "string", "Colours.", "")
    assert made["projectId"] == workspace.project_id
    assert await workspace.org.viewer.make("flag", projectId=workspace.project_id, key="theme") == made
    assert (await workspace.org.viewer.make("flags", projectId=workspace.project_id))[-1] == made


async def test_a_flags_state_is_the_environments(workspace: Workspace) -> None:
    state = await workspace.org.viewer.make("flagState", **workspace.banner)
    identity = await workspace.org.viewer.make("flag", projectId=workspace.project_id, key="banner")
    assert state["primitiveId"] == identity["id"] != state["id"]
    assert (state["key"], state["type"], state["description"]) == ("banner", "string", "")
    assert (state["environmentId"], state["version"]) == (workspace.environment_id, 2)
    assert (state["defaultValue"], state["rules"], state["killed"]) == ("hello", [], False)
    assert (state["updatedBy"]["kind"], state["updatedBy"]["name"]) == ("member", "acme-owner")


@pytest.mark.raises_codes("key_collision")
async def test_a_key_is_unique_in_the_project(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do(
            "createFlag", projectId=workspace.project_id, key="checkout", type="string", defaultValue="x"
        )
        assert (reply.code, reply.status, set(reply.fields)) == ("key_collision", 409, {"key"})


@pytest.mark.all_pairs
async def test_of_many_who_create_one_key_at_a_moment_one_does(workspace: Workspace) -> None:
    replies = await asyncio.gather(
        *(
            workspace.org.editor.do(
                "createFlag", projectId=workspace.project_id, key="new", type="boolean", defaultValue=on
            )
            for on in (True, False) * 5
        )
    )
    assert sorted(reply.code or "" for reply in replies) == ["", *["key_collision"] * 9]
    assert await workspace.version() == workspace.environment["version"] + 1


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"key": "Bad Key", "type": "boolean", "defaultValue": True}, {"key"}),
        ({"key": "new", "type": "boolean", "defaultValue": "true"}, {"defaultValue"}),
        ({"key": "new", "type": "boolean", "defaultValue": 1}, {"defaultValue"}),
        ({"key": "new", "type": "string", "defaultValue": False}, {"defaultValue"}),
        ({"key": "new", "type": "string", "defaultValue": {"a": 1}}, {"defaultValue"}),
        ({"key": "", "type": "string", "defaultValue": "x", "description": "d" * 2001}, {"key", "description"}),
        ({"key": "new", "type": "string", "defaultValue": "x", "description": "\0"}, {"description"}),
    ],
)
async def test_a_flag_with_faults_is_not_made(
    instance: Instance, workspace: Workspace, body: dict[str, Any], faults: set[str]
) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createFlag", projectId=workspace.project_id, **body)
        assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, faults)


@pytest.mark.parametrize(
    "body",
    [
        {"key": "new", "type": "number", "defaultValue": 1},
        {"key": "new", "defaultValue": True},
        {"type": "boolean", "defaultValue": True},
        {"key": "new", "type": "boolean", "defaultValue": True, "killed": True},
        {"key": 7, "type": "boolean", "defaultValue": True},
    ],
)
async def test_a_flag_of_the_wrong_shape_is_not_made(
    instance: Instance, workspace: Workspace, body: dict[str, Any]
) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createFlag", projectId=workspace.project_id, **body)
        assert (reply.code, reply.status) == ("invalid_request", 400)


async def test_one_project_does_not_see_the_flags_of_another(instance: Instance, workspace: Workspace) -> None:
    other = await instance.workspace(workspace.org, key="app")
    await workspace.org.editor.make(
        "createFlag", projectId=workspace.project_id, key="only-web", type="boolean", defaultValue=True
    )
    reply = await workspace.org.editor.do("flag", projectId=other.project_id, key="only-web")
    assert reply.code == "not_found"
    async with instance.unchanged():
        reply = await workspace.org.editor.do("killFlag", environmentId=other.environment_id, key="only-web")
        assert reply.code == "not_found"


async def test_an_identity_is_changed_and_no_environment_with_it(workspace: Workspace) -> None:
    before = await workspace.version()
    flag = await workspace.org.editor.make(
        "updateFlag", projectId=workspace.project_id, key="checkout", description="The new one", initialValue=False
    )
    assert (flag["description"], flag["initialValue"]) == ("The new one", False)
    assert await workspace.version() == before
    state = await workspace.org.viewer.make("flagState", **workspace.checkout)
    assert (state["description"], state["defaultValue"]) == ("The new one", True)
    fresh = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    started = await workspace.org.viewer.make("flagState", environmentId=fresh["id"], key="checkout")
    assert started["defaultValue"] is False
