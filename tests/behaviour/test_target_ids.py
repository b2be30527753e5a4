"""The field that ids are taken from: the project's, else the organisation's, else `userId`; a change is a version."""

import pytest

from tests.factories import Instance, Place


async def target_of(place: Place) -> str:
    ruleset = await place.org.viewer.make("ruleset", environmentId=place.environment_id)
    return str(ruleset["targetIdField"])


async def test_the_projects_field_stands_before_the_organisations(place: Place) -> None:
    assert await target_of(place) == "userId"
    await place.org.admin.make("updateOrg", slug=place.org.slug, defaultTargetIdField="account.id")
    assert await target_of(place) == "account.id"
    await place.org.admin.make("updateProject", projectId=place.project_id, targetIdField="device")
    assert await target_of(place) == "device"
    await place.org.admin.make("updateProject", projectId=place.project_id, targetIdField=None)
    assert await target_of(place) == "account.id"


async def test_a_change_of_the_effective_field_raises_the_version_by_one(place: Place) -> None:
    before = await place.version()
    await place.org.admin.make("updateOrg", slug=place.org.slug, defaultTargetIdField="account.id", name="Acme again")
    assert await place.version() == before + 1
    await place.org.admin.make("updateProject", projectId=place.project_id, targetIdField="account.id")
    assert await place.version() == before + 1, "the field that ids are taken from has not changed"


async def test_an_environment_that_was_never_written_to_stays_at_version_0(place: Place) -> None:
    fresh = await place.org.editor.make("createEnvironment", projectId=place.project_id, key="dev", name="Dev")
    await place.org.admin.make("updateProject", projectId=place.project_id, targetIdField="device")
    found = await place.org.viewer.make("environment", environmentId=fresh["id"])
    assert found["version"] == 0
    await place.org.editor.make("updateFlagState", environmentId=fresh["id"], key="checkout", defaultValue=False)
    ruleset = await place.org.viewer.make("ruleset", environmentId=fresh["id"])
    assert ruleset["targetIdField"] == "device"


async def test_percentages_go_by_the_new_field_at_once(place: Place) -> None:
    rules = [{"value": False, "rolloutPercent": 100}]
    await place.org.editor.make("updateFlagState", **place.checkout, rules=rules)
    asked = {"environmentId": place.environment_id, "keys": ["checkout"], "context": {"device": "d-1"}}
    before = await place.org.viewer.make("evaluate", **asked)
    await place.org.admin.make("updateProject", projectId=place.project_id, targetIdField="device")
    after = await place.org.viewer.make("evaluate", **asked)
    assert [one["evaluations"]["checkout"]["value"] for one in (before, after)] == [True, False]


@pytest.mark.provokes("insufficient_role", "invalid_request")
async def test_it_takes_an_admin_and_a_path(instance: Instance, place: Place) -> None:
    async with instance.unchanged():
        editor = await place.org.editor.do("updateProject", projectId=place.project_id, targetIdField="device")
        faulty = await place.org.admin.do("updateProject", projectId=place.project_id, targetIdField="a..b")
    assert (editor.code, faulty.code, set(faulty.fields)) == ("insufficient_role", "invalid_request", {"targetIdField"})


@pytest.mark.provokes("insufficient_role")
async def test_a_project_begins_with_a_field_for_admins_only(instance: Instance, place: Place) -> None:
    asked = {"orgSlug": place.org.slug, "key": "app", "name": "App", "targetIdField": "device"}
    async with instance.unchanged():
        reply = await place.org.editor.do("createProject", **asked)
        assert (reply.code, reply.status) == ("insufficient_role", 403)
    project = await place.org.admin.make("createProject", **asked)
    assert project["targetIdField"] == "device"
    assert await place.org.viewer.make("project", projectId=project["id"]) == project


@pytest.mark.provokes("approval_not_supported")
async def test_a_protected_environment_keeps_its_field(instance: Instance, place: Place) -> None:
    await place.org.admin.make("updateEnvironment", environmentId=place.environment_id, protected=True)
    async with instance.unchanged():
        by_org = await place.org.admin.do("updateOrg", slug=place.org.slug, defaultTargetIdField="account.id")
        by_project = await place.org.admin.do("updateProject", projectId=place.project_id, targetIdField="device")
    assert (by_org.code, by_project.code) == ("approval_not_supported", "approval_not_supported")
