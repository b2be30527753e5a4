"""Environments: created with every flag's initial value, read, listed and renamed."""

import pytest

from app.domain.ids import new_id
from tests.factories import Instance, Place


async def test_an_environment_starts_at_version_0_with_the_initial_values(place: Place) -> None:
    await place.org.editor.make("updateFlagState", **place.banner, defaultValue="changed in production")
    environment = await place.org.editor.make(
        "createEnvironment", projectId=place.project_id, key="dev", name="Development"
    )
    assert (environment["key"], environment["name"], environment["version"]) == ("dev", "Development", 0)
    assert (environment["protected"], environment["requiredApprovals"]) == (False, 1)
    assert environment["projectId"] == place.project_id
    assert await place.org.viewer.make("environment", environmentId=environment["id"]) == environment
    states = await place.org.viewer.make("flagStates", environmentId=environment["id"])
    assert [
        (state["key"], state["defaultValue"], state["rules"], state["killed"], state["version"]) for state in states
    ] == [
        ("checkout", True, [], False, 0),
        ("banner", "hello", [], False, 0),
    ]


@pytest.mark.provokes("key_collision")
async def test_a_key_is_unique_in_the_project(instance: Instance, place: Place) -> None:
    async with instance.unchanged():
        reply = await place.org.editor.do("createEnvironment", projectId=place.project_id, key="prod", name="Again")
        assert (reply.code, reply.status, set(reply.fields)) == ("key_collision", 409, {"key"})
    other = await instance.place(place.org, key="app")
    assert other.environment["key"] == "prod"


async def test_all_faults_of_an_environment_are_told_at_once(instance: Instance, place: Place) -> None:
    async with instance.unchanged():
        reply = await place.org.editor.do("createEnvironment", projectId=place.project_id, key="a b", name=" ")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"key", "name"})


async def test_renaming_an_environment_raises_no_version(place: Place) -> None:
    renamed = await place.org.editor.make("updateEnvironment", environmentId=place.environment_id, name="Live")
    assert (renamed["name"], renamed["version"]) == ("Live", place.environment["version"])
    assert renamed["updatedAt"] > place.environment["updatedAt"]
    assert renamed == await place.org.viewer.make("environment", environmentId=place.environment_id)


async def test_environments_are_listed_oldest_first(place: Place) -> None:
    for key in ("dev", "alpha"):
        await place.org.editor.make("createEnvironment", projectId=place.project_id, key=key, name=key)
    listed = await place.org.viewer.make("environments", projectId=place.project_id)
    assert [one["key"] for one in listed] == ["prod", "dev", "alpha"]
    by_key = await place.org.viewer.make("environments", projectId=place.project_id, key="dev")
    assert [one["key"] for one in by_key] == ["dev"]


@pytest.mark.provokes("not_found", "insufficient_role")
async def test_the_environment_to_copy_is_missed_before_the_role_is_looked_at(place: Place) -> None:
    asked = {"projectId": place.project_id, "key": "copy", "name": "Copy"}
    missing = await place.org.viewer.do("createEnvironment", **asked, copyFromEnvId=new_id())
    found = await place.org.viewer.do("createEnvironment", **asked, copyFromEnvId=place.environment_id)
    assert (missing.code, found.code) == ("not_found", "insufficient_role")
    assert len(await place.org.viewer.make("environments", projectId=place.project_id)) == 1


async def test_what_is_killed_is_killed_in_the_copy(place: Place) -> None:
    await place.org.editor.make("killFlag", **place.checkout)
    asked = {"projectId": place.project_id, "key": "copy", "name": "Copy", "copyFromEnvId": place.environment_id}
    copy = await place.org.editor.make("createEnvironment", **asked)
    states = await place.org.viewer.make("flagStates", environmentId=copy["id"])
    assert {state["key"]: state["killed"] for state in states} == {"checkout": True, "banner": False}


@pytest.mark.provokes("not_found")
async def test_an_environment_of_another_project_is_not_copied(instance: Instance, place: Place) -> None:
    other = await instance.place(place.org, key="app")
    asked = {"projectId": place.project_id, "key": "copy", "name": "Copy", "copyFromEnvId": other.environment_id}
    async with instance.unchanged():
        for caller in (place.org.owner, place.org.viewer):  # ids come before the role
            reply = await caller.do("createEnvironment", **asked)
            assert (reply.code, reply.status) == ("not_found", 404)
