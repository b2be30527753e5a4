"""The field that ids are taken from: the project's, else the organisation's, else `userId`; a change is a version."""

import pytest

from tests.factories import Instance, Workspace


async def target_of(workspace: Workspace) -> str:
    ruleset = await workspace.org.viewer.make("ruleset", environmentId=workspace.environment_id)
    return str(ruleset["targetIdField"])


async def test_the_projects_field_stands_before_the_organisations(workspace: Workspace) -> None:
    assert await target_of(workspace) == "userId"
    await workspace.org.admin.make("updateOrg", slug=workspace.org.slug, defaultTargetIdField="account.id")
    assert await target_of(workspace) == "account.id"
    await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField="device")
    assert await target_of(workspace) == "device"
    await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField=None)
    assert await target_of(workspace) == "account.id"


async def test_a_change_of_the_effective_field_raises_the_version_by_one(workspace: Workspace) -> None:
    before = await workspace.version()
    await workspace.org.admin.make(
        "updateOrg", slug=workspace.org.slug, defaultTargetIdField="account.id", name="Acme again"
    )
    assert await workspace.version() == before + 1
    await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField="account.id")
    assert await workspace.version() == before + 1, "the field that ids are taken from has not changed"


async def test_an_environment_that_was_never_written_to_stays_at_version_0(workspace: Workspace) -> None:
    fresh = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField="device")
    found = await workspace.org.viewer.make("environment", environmentId=fresh["id"])
    assert found["version"] == 0
    await workspace.org.editor.make("updateFlagState", environmentId=fresh["id"], key="checkout", defaultValue=False)
    ruleset = await workspace.org.viewer.make("ruleset", environmentId=fresh["id"])
    assert ruleset["targetIdField"] == "device"


async def test_percentages_go_by_the_new_field_at_once(workspace: Workspace) -> None:
    rules = [{"value": False, "rolloutPercent": 100}]
    await workspace.org.editor.make("updateFlagState", **workspace.checkout, rules=rules)
    asked = {"environmentId": workspace.environment_id, "keys": ["checkout"], "context": {"device": "d-1"}}
    before = await workspace.org.viewer.make("evaluate", **asked)
    await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField="device")
    after = await workspace.org.viewer.make("evaluate", **asked)
    assert [one["evaluations"]["checkout"]["value"] for one in (before, after)] == [True, False]


@pytest.mark.raises_codes("insufficient_role", "invalid_request")
async def test_it_takes_an_admin_and_a_path(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        editor = await workspace.org.editor.do("updateProject", projectId=workspace.project_id, targetIdField="device")
        faulty = await workspace.org.admin.do("updateProject", projectId=workspace.project_id, targetIdField="a..b")
    assert (editor.code, faulty.code, set(faulty.fields)) == ("insufficient_role", "invalid_request", {"targetIdField"})


@pytest.mark.raises_codes("insufficient_role")
async def test_a_project_begins_with_a_field_for_admins_only(instance: Instance, workspace: Workspace) -> None:
    asked = {"orgSlug": workspace.org.slug, "key": "app", "name": "App", "targetIdField": "device"}
    async with instance.unchanged():
        reply = await workspace.org.editor.do("createProject", **asked)
        assert (reply.code, reply.status) == ("insufficient_role", 403)
    project = await workspace.org.admin.make("createProject", **asked)
    assert project["targetIdField"] == "device"
    assert await workspace.org.viewer.make("project", projectId=project["id"]) == project


@pytest.mark.raises_codes("approval_not_supported")
async def test_a_protected_environment_keeps_its_field(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.admin.make("updateEnvironment", environmentId=workspace.environment_id, protected=True)
    async with instance.unchanged():
        by_org = await workspace.org.admin.do("updateOrg", slug=workspace.org.slug, defaultTargetIdField="account.id")
        by_project = await workspace.org.admin.do(
            "updateProject", projectId=workspace.project_id, targetIdField="device"
        )
    assert (by_org.code, by_project.code) == ("approval_not_supported", "approval_not_supported")
