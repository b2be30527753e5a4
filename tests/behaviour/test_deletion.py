"""Deleting: confirmed by name, with all that is below, gone for everybody at once."""

from typing import Any

import pytest

from tests.factories import Instance, Workspace

CONFIRMED: dict[str, tuple[dict[str, str], str]] = {
    "deleteOrg": ({"slug": "org"}, "acme"),
    "deleteProject": ({"projectId": "project"}, "web"),
    "deleteEnvironment": ({"environmentId": "environment"}, "prod"),
}


def address(workspace: Workspace, operation: str) -> dict[str, Any]:
    ids = {"org": workspace.org.slug, "project": workspace.project_id, "environment": workspace.environment_id}
    return {name: ids[what] for name, what in CONFIRMED[operation][0].items()}


@pytest.mark.parametrize("operation", CONFIRMED)
@pytest.mark.raises_codes("invalid_confirmation")
async def test_a_deletion_says_what_it_deletes(instance: Instance, workspace: Workspace, operation: str) -> None:
    name = CONFIRMED[operation][1]
    async with instance.unchanged():
        for wrong in ({}, {"confirm": ""}, {"confirm": name.upper()}, {"confirm": f"{name} "}, {"confirm": "yes"}):
            reply = await workspace.org.owner.do(operation, **address(workspace, operation), **wrong)
            assert (reply.code, reply.status, set(reply.fields)) == ("invalid_confirmation", 400, {"confirm"}), wrong
    await workspace.org.owner.make(operation, **address(workspace, operation), confirm=name)


async def test_with_an_environment_go_its_states(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.admin.make("deleteEnvironment", environmentId=workspace.environment_id, confirm="prod")
    for operation, arguments in (
        ("environment", {}),
        ("flagStates", {}),
        ("ruleset", {}),
        ("evaluate", {"context": {}}),
        ("flagState", {"key": "banner"}),
        ("killFlag", {"key": "banner"}),
        ("deleteEnvironment", {"confirm": "prod"}),
    ):
        reply = await workspace.org.owner.do(operation, environmentId=workspace.environment_id, **arguments)
        assert reply.code == "not_found", operation
    assert await workspace.org.viewer.make("environments", projectId=workspace.project_id) == []
    assert len(await workspace.org.viewer.make("flags", projectId=workspace.project_id)) == 2
    assert (await instance.rows())["state"] == []
    again = await workspace.org.editor.make(
        "createEnvironment", projectId=workspace.project_id, key="prod", name="Again"
    )
    assert again["id"] != workspace.environment_id


async def test_with_a_project_goes_all_that_is_in_it(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.admin.make("deleteProject", projectId=workspace.project_id, confirm="web")
    assert (await workspace.org.owner.do("project", projectId=workspace.project_id)).code == "not_found"
    assert (await workspace.org.owner.do("environment", environmentId=workspace.environment_id)).code == "not_found"
    assert (
        await workspace.org.owner.do("evaluate", environmentId=workspace.environment_id, context={})
    ).code == "not_found"
    assert await workspace.org.viewer.make("projects", orgSlug=workspace.org.slug) == []
    rows = await instance.rows()
    assert [rows[table] for table in ("project", "environment", "primitive", "state")] == [[]] * 4
    assert [event.action for event in await instance.audited()][-1] == "delete_project"


async def test_with_an_org_goes_everything_but_its_people(instance: Instance, workspace: Workspace) -> None:
    other = await instance.org("other")
    await workspace.org.owner.make("deleteOrg", slug=workspace.org.slug, confirm="acme")
    assert (await workspace.org.owner.do("org", slug=workspace.org.slug)).code == "not_found"
    assert (await workspace.org.owner.do("project", projectId=workspace.project_id)).code == "not_found"
    assert (await workspace.org.viewer.make("me"))["orgs"] == []
    assert (await other.owner.make("org", slug="other"))["slug"] == "other"
    event = (await instance.audited())[-1]
    assert (event.action, event.resource_key, event.actor["name"]) == ("delete_org", "acme", "acme-owner")
    kept = [one.action for one in await instance.audited() if one.org_id == event.org_id]
    assert {"create_org", "create_project", "create_primitive"} <= set(kept), "for the operator"
    await workspace.org.owner.make("createOrg", slug="acme", name="Once more")


async def test_a_deleted_flag_is_gone_from_every_environment(instance: Instance, workspace: Workspace) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    gone = await workspace.org.viewer.make("flag", projectId=workspace.project_id, key="banner")
    await workspace.org.editor.make(
        "deleteFlag", projectId=workspace.project_id, key="banner", reason="Nobody reads it."
    )
    assert (await workspace.org.viewer.do("flag", projectId=workspace.project_id, key="banner")).code == "not_found"
    assert await workspace.evaluated("banner") is None
    for environment, version in ((workspace.environment_id, 3), (dev["id"], 1)):
        states = await workspace.org.viewer.make("flagStates", environmentId=environment)
        assert [state["key"] for state in states] == ["checkout"]
        assert (await workspace.org.viewer.make("environment", environmentId=environment))["version"] == version
    event = (await instance.audited())[-1]
    assert (event.action, event.reason, event.resource_id) == ("delete_primitive", "Nobody reads it.", gone["id"])
    assert await instance.audited_versions(event) == {workspace.environment_id: 3, dev["id"]: 1}


async def test_a_key_that_was_deleted_and_made_again_is_another_flag(workspace: Workspace) -> None:
    before = await workspace.org.viewer.do("flag", projectId=workspace.project_id, key="banner")
    await workspace.org.editor.make("deleteFlag", projectId=workspace.project_id, key="banner")
    again = await workspace.org.editor.do(
        "createFlag", projectId=workspace.project_id, key="banner", type="boolean", defaultValue=False
    )
    assert again.unwrap()["id"] != before.unwrap()["id"]
    assert again.etag != before.etag
    assert (await workspace.evaluated("banner"))["value"] is False
