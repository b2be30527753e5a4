"""Environments: created with every flag's initial value, read, listed and renamed."""

import pytest

from app.domain.ids import new_id
from tests.factories import Instance, Workspace


async def test_an_environment_starts_at_version_0_with_the_initial_values(workspace: Workspace) -> None:
    await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="changed in production")
    environment = await workspace.org.editor.make(
        "createEnvironment", projectId=workspace.project_id, key="dev", name="Development"
    )
    assert (environment["key"], environment["name"], environment["version"]) == ("dev", "Development", 0)
    assert (environment["protected"], environment["requiredApprovals"]) == (False, 1)
    assert environment["projectId"] == workspace.project_id
    assert await workspace.org.viewer.make("environment", environmentId=environment["id"]) == environment
    states = await workspace.org.viewer.make("flagStates", environmentId=environment["id"])
    assert [
        (state["key"], state["defaultValue"], state["rules"], state["killed"], state["version"]) for state in states
    ] == [
        ("checkout", True, [], False, 0),
        ("banner", "hello", [], False, 0),
    ]


@pytest.mark.raises_codes("key_collision")
async def test_a_key_is_unique_in_the_project(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do(
            "createEnvironment", projectId=workspace.project_id, key="prod", name="Again"
        )
        assert (reply.code, reply.status, set(reply.fields)) == ("key_collision", 409, {"key"})
    other = await instance.workspace(workspace.org, key="app")
    assert other.environment["key"] == "prod"


async def test_all_faults_of_an_environment_are_told_at_once(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createEnvironment", projectId=workspace.project_id, key="a b", name=" ")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"key", "name"})


async def test_renaming_an_environment_raises_no_version(workspace: Workspace) -> None:
    renamed = await workspace.org.editor.make("updateEnvironment", environmentId=workspace.environment_id, name="Live")
    assert (renamed["name"], renamed["version"]) == ("Live", workspace.environment["version"])
    assert renamed["updatedAt"] > workspace.environment["updatedAt"]
    assert renamed == await workspace.org.viewer.make("environment", environmentId=workspace.environment_id)


async def test_environments_are_listed_oldest_first_unless_they_are_ordered(workspace: Workspace) -> None:
    for key in ("dev", "alpha"):
        await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key=key, name=key)
    listed = await workspace.org.viewer.make("environments", projectId=workspace.project_id)
    assert [one["key"] for one in listed] == ["prod", "dev", "alpha"]
    by_key = await workspace.org.viewer.make("environments", projectId=workspace.project_id, key="dev")
    assert [one["key"] for one in by_key] == ["dev"]


async def test_environments_are_listed_in_their_order(workspace: Workspace) -> None:
    org, of_project = workspace.org, {"projectId": workspace.project_id}
    await org.editor.make("createEnvironment", **of_project, key="dev", name="Dev", position=5, color="green")
    last = await org.editor.make("createEnvironment", **of_project, key="qa", name="QA")
    assert (last["position"], last["color"]) == (5, "gray")  # behind all others
    await org.editor.make("createEnvironment", **of_project, key="ci", name="CI", position=0)
    before = await org.viewer.do("environment", environmentId=workspace.environment_id)
    moved = await org.editor.do(
        "updateEnvironment", environmentId=workspace.environment_id, position=5, color="red", if_match=before.etag
    )
    assert (moved.unwrap()["position"], moved.data["color"], moved.etag != before.etag) == (5, "red", True)
    assert moved.data["version"] == workspace.environment["version"]
    ordered = ["ci", "prod", "dev", "qa"]
    assert [one["key"] for one in await org.viewer.make("environments", **of_project)] == ordered
    listed, cursor = [], None
    while cursor or not listed:
        part = await org.viewer.do("environments", **of_project, limit=1, **({"cursor": cursor} if cursor else {}))
        listed += [one["key"] for one in part.unwrap()]
        cursor = part.next
    assert listed == ordered


@pytest.mark.parametrize("fault", [{"position": -1}, {"position": 1_000_001}])
async def test_a_position_has_bounds(instance: Instance, workspace: Workspace, fault: dict[str, int]) -> None:
    new = {"projectId": workspace.project_id, "key": "dev", "name": "Dev"}
    async with instance.unchanged():
        for operation, asked in (
            ("createEnvironment", new),
            ("updateEnvironment", {"environmentId": workspace.environment_id}),
        ):
            reply = await workspace.org.editor.do(operation, **asked, **fault)
            assert (reply.code, set(reply.fields)) == ("invalid_request", {"position"})


async def test_colours_and_order_are_no_protection(instance: Instance, workspace: Workspace) -> None:
    """An editor may change them where only an admin may unprotect."""
    await instance.protect(workspace.environment_id)
    moved = await workspace.org.editor.make(
        "updateEnvironment", environmentId=workspace.environment_id, color="blue", position=1
    )
    assert (moved["color"], moved["position"], moved["protected"]) == ("blue", 1, True)
    assert (await instance.audited())[-1].action == "update_environment"


@pytest.mark.raises_codes("not_found", "insufficient_role")
async def test_the_environment_to_copy_is_missed_before_the_role_is_looked_at(workspace: Workspace) -> None:
    asked = {"projectId": workspace.project_id, "key": "copy", "name": "Copy"}
    missing = await workspace.org.viewer.do("createEnvironment", **asked, copyFromEnvId=new_id())
    found = await workspace.org.viewer.do("createEnvironment", **asked, copyFromEnvId=workspace.environment_id)
    assert (missing.code, found.code) == ("not_found", "insufficient_role")
    assert len(await workspace.org.viewer.make("environments", projectId=workspace.project_id)) == 1


async def test_what_is_killed_is_killed_in_the_copy(workspace: Workspace) -> None:
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    asked = {
        "projectId": workspace.project_id,
        "key": "copy",
        "name": "Copy",
        "copyFromEnvId": workspace.environment_id,
    }
    copy = await workspace.org.editor.make("createEnvironment", **asked)
    states = await workspace.org.viewer.make("flagStates", environmentId=copy["id"])
    assert {state["key"]: state["killed"] for state in states} == {"checkout": True, "banner": False}


@pytest.mark.raises_codes("not_found")
async def test_an_environment_of_another_project_is_not_copied(instance: Instance, workspace: Workspace) -> None:
    other = await instance.workspace(workspace.org, key="app")
    asked = {"projectId": workspace.project_id, "key": "copy", "name": "Copy", "copyFromEnvId": other.environment_id}
    async with instance.unchanged():
        for caller in (workspace.org.owner, workspace.org.viewer):  # ids come before the role
            reply = await caller.do("createEnvironment", **asked)
            assert (reply.code, reply.status) == ("not_found", 404)
