"""Deleting: confirmed by name, with all that is below, gone for everybody at once."""

from typing import Any

import pytest

from tests.factories import Instance, Place

CONFIRMED: dict[str, tuple[dict[str, str], str]] = {
    "deleteOrg": ({"slug": "org"}, "acme"),
    "deleteProject": ({"projectId": "project"}, "web"),
    "deleteEnvironment": ({"environmentId": "environment"}, "prod"),
}


def address(place: Place, operation: str) -> dict[str, Any]:
    ids = {"org": place.org.slug, "project": place.project_id, "environment": place.environment_id}
    return {name: ids[what] for name, what in CONFIRMED[operation][0].items()}


@pytest.mark.parametrize("operation", CONFIRMED)
@pytest.mark.provokes("invalid_confirmation")
async def test_a_deletion_says_what_it_deletes(instance: Instance, place: Place, operation: str) -> None:
    name = CONFIRMED[operation][1]
    async with instance.unchanged():
        for wrong in ({}, {"confirm": ""}, {"confirm": name.upper()}, {"confirm": f"{name} "}, {"confirm": "yes"}):
            reply = await place.org.owner.do(operation, **address(place, operation), **wrong)
            assert (reply.code, reply.status, set(reply.fields)) == ("invalid_confirmation", 400, {"confirm"}), wrong
    await place.org.owner.make(operation, **address(place, operation), confirm=name)


async def test_with_an_environment_go_its_states(instance: Instance, place: Place) -> None:
    await place.org.admin.make("deleteEnvironment", environmentId=place.environment_id, confirm="prod")
    for operation, arguments in (
        ("environment", {}),
        ("flagStates", {}),
        ("ruleset", {}),
        ("evaluate", {"context": {}}),
        ("flagState", {"key": "banner"}),
        ("killFlag", {"key": "banner"}),
        ("deleteEnvironment", {"confirm": "prod"}),
    ):
        reply = await place.org.owner.do(operation, environmentId=place.environment_id, **arguments)
        assert reply.code == "not_found", operation
    assert await place.org.viewer.make("environments", projectId=place.project_id) == []
    assert len(await place.org.viewer.make("flags", projectId=place.project_id)) == 2
    assert (await instance.rows())["state"] == []
    again = await place.org.editor.make("createEnvironment", projectId=place.project_id, key="prod", name="Again")
    assert again["id"] != place.environment_id


async def test_with_a_project_goes_all_that_is_in_it(instance: Instance, place: Place) -> None:
    await place.org.admin.make("deleteProject", projectId=place.project_id, confirm="web")
    assert (await place.org.owner.do("project", projectId=place.project_id)).code == "not_found"
    assert (await place.org.owner.do("environment", environmentId=place.environment_id)).code == "not_found"
    assert (await place.org.owner.do("evaluate", environmentId=place.environment_id, context={})).code == "not_found"
    assert await place.org.viewer.make("projects", orgSlug=place.org.slug) == []
    rows = await instance.rows()
    assert [rows[table] for table in ("project", "environment", "primitive", "state")] == [[]] * 4
    assert [event.action for event in await instance.audited()][-1] == "delete_project"


async def test_with_an_org_goes_everything_but_its_people(instance: Instance, place: Place) -> None:
    other = await instance.org("other")
    await place.org.owner.make("deleteOrg", slug=place.org.slug, confirm="acme")
    assert (await place.org.owner.do("org", slug=place.org.slug)).code == "not_found"
    assert (await place.org.owner.do("project", projectId=place.project_id)).code == "not_found"
    assert (await place.org.viewer.make("me"))["orgs"] == []
    assert (await other.owner.make("org", slug="other"))["slug"] == "other"
    await place.org.owner.make("createOrg", slug="acme", name="Once more")


async def test_a_deleted_flag_is_gone_from_every_environment(instance: Instance, place: Place) -> None:
    dev = await place.org.editor.make("createEnvironment", projectId=place.project_id, key="dev", name="Dev")
    gone = await place.org.viewer.make("flag", projectId=place.project_id, key="banner")
    await place.org.editor.make("deleteFlag", projectId=place.project_id, key="banner", reason="Nobody reads it.")
    assert (await place.org.viewer.do("flag", projectId=place.project_id, key="banner")).code == "not_found"
    assert await place.evaluated("banner") is None
    for environment, version in ((place.environment_id, 3), (dev["id"], 1)):
        states = await place.org.viewer.make("flagStates", environmentId=environment)
        assert [state["key"] for state in states] == ["checkout"]
        assert (await place.org.viewer.make("environment", environmentId=environment))["version"] == version
    event = (await instance.audited())[-1]
    assert (event.action, event.reason, event.resource_id) == ("delete_primitive", "Nobody reads it.", gone["id"])
    assert await instance.audited_versions(event) == {place.environment_id: 3, dev["id"]: 1}


async def test_a_key_that_was_deleted_and_made_again_is_another_flag(place: Place) -> None:
    before = await place.org.viewer.do("flag", projectId=place.project_id, key="banner")
    await place.org.editor.make("deleteFlag", projectId=place.project_id, key="banner")
    again = await place.org.editor.do(
        "createFlag", projectId=place.project_id, key="banner", type="boolean", defaultValue=False
    )
    assert again.unwrap()["id"] != before.unwrap()["id"]
    assert again.etag != before.etag
    assert (await place.evaluated("banner"))["value"] is False
