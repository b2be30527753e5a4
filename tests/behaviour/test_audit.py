"""What a change leaves in the audit trail: who, what, why, in which request, and which version it made."""

import json
from typing import Any

import pytest
from sqlalchemy import Executable, delete, update
from sqlalchemy.exc import DBAPIError

from app.domain.operations import Operation
from app.models import AuditEvent, AuditVersion
from tests.conftest import CLAIM_CODE
from tests.factories import Instance, Workspace


async def member(workspace: Workspace, role: str) -> dict[str, Any]:
    return dict((await getattr(workspace.org, role).make("me"))["actor"])


async def test_a_change_of_state_is_recorded_with_its_version(instance: Instance, workspace: Workspace) -> None:
    reply = await workspace.org.editor.do(
        "updateFlagState", **workspace.banner, defaultValue="bye", reason="Closing time."
    )
    event = (await instance.audited())[-1]
    assert (event.action, event.reason, event.request_id) == ("update_state", "Closing time.", reply.request_id)
    assert event.actor == await member(workspace, "editor") == reply.data["updatedBy"]
    assert (event.resource_type, event.resource_key) == ("flag", "banner")
    assert (event.resource_id, event.environment_id) == (reply.data["primitiveId"], workspace.environment_id)
    assert event.project_id == workspace.project_id
    assert await instance.audited_versions(event) == {workspace.environment_id: await workspace.version()}


@pytest.mark.parametrize(("operation", "action"), [("killFlag", "kill"), ("restoreFlag", "restore")])
async def test_kill_and_restore_are_recorded_with_their_reason(
    instance: Instance, workspace: Workspace, operation: str, action: str
) -> None:
    await workspace.org.owner.make("killFlag", **workspace.checkout)
    if action == "kill":
        await workspace.org.owner.make("restoreFlag", **workspace.checkout)
    await workspace.org.editor.make(operation, **workspace.checkout, reason="It burns.")
    event = (await instance.audited())[-1]
    assert (event.action, event.reason, event.actor["name"]) == (action, "It burns.", "acme-editor")


async def test_a_new_flag_is_recorded_once_with_the_version_of_every_environment(
    instance: Instance, workspace: Workspace
) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    before = len(await instance.audited())
    flag = await workspace.org.editor.make(
        "createFlag", projectId=workspace.project_id, key="new", type="string", defaultValue="x", description="Why not."
    )
    (event,) = (await instance.audited())[before:]
    assert (event.action, event.resource_type, event.resource_id) == ("create_primitive", "flag", flag["id"])
    assert await instance.audited_versions(event) == {workspace.environment_id: 3, dev["id"]: 1}
    reported = json.loads(event.new_value or "null")
    assert (reported["key"], reported["type"], reported["defaultValue"], reported["description"]) == (
        "new",
        "string",
        "x",
        "Why not.",
    )


@pytest.mark.parametrize(
    ("operation", "action", "arguments"),
    [
        ("createOrg", Operation.CREATE_ORG, {"slug": "second", "name": "Second"}),
        ("updateOrg", Operation.UPDATE_ORG, {"slug": "acme", "name": "Renamed"}),
        ("createProject", Operation.CREATE_PROJECT, {"orgSlug": "acme", "key": "app", "name": "App"}),
        ("updateProject", Operation.UPDATE_PROJECT, {"projectId": "", "name": "Renamed"}),
        ("createEnvironment", Operation.CREATE_ENVIRONMENT, {"projectId": "", "key": "dev", "name": "Dev"}),
        ("updateEnvironment", Operation.UPDATE_ENVIRONMENT, {"environmentId": "", "name": "Renamed"}),
    ],
)
async def test_every_other_change_is_recorded_with_what_it_changed(
    instance: Instance, workspace: Workspace, operation: str, action: str, arguments: dict[str, Any]
) -> None:
    ids = {"projectId": workspace.project_id, "environmentId": workspace.environment_id}
    before = len(await instance.audited())
    reply = await workspace.org.admin.do(operation, **{name: value or ids[name] for name, value in arguments.items()})
    (event,) = (await instance.audited())[before:]
    assert (event.action, event.request_id) == (action, reply.request_id)
    assert (event.resource_id, event.actor["name"]) == (reply.unwrap()["id"], "acme-admin")
    assert json.loads(event.new_value or "null")["name"] == arguments["name"]
    assert await instance.audited_versions(event) == {}
    if operation.startswith("update"):
        assert json.loads(event.previous_value or "null") == {
            "name": {"updateOrg": "Acme", "updateProject": "Web", "updateEnvironment": "Production"}[operation]
        }


async def test_a_claim_is_recorded_by_its_owner(instance: Instance) -> None:
    body = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": "acme", "claimCode": CLAIM_CODE}
    reply = await instance.anonymous().do("installClaim", **body)
    events = await instance.audited()
    assert [event.action for event in events] == ["sign_in", "create_org", "claim"]
    for event in events:
        assert (event.request_id, event.actor) == (reply.request_id, reply.unwrap()["me"]["actor"])


async def test_reads_and_refusals_are_not_recorded(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        await workspace.org.viewer.make("flagStates", environmentId=workspace.environment_id)
        for caller, operation in ((workspace.org.viewer, "killFlag"), (workspace.org.editor, "restoreFlag")):
            await caller.do(operation, **workspace.banner, reason="No matter.")


@pytest.mark.parametrize("statement", [update(AuditEvent).values(reason="Another."), delete(AuditEvent)])
@pytest.mark.usefixtures("workspace")
async def test_the_database_itself_keeps_what_is_recorded(instance: Instance, statement: Executable) -> None:
    before = await instance.audited()
    with pytest.raises(DBAPIError, match="only added to"):
        await instance.execute(statement)
    with pytest.raises(DBAPIError, match="only added to"):
        await instance.execute(delete(AuditVersion))
    assert [event.id for event in await instance.audited()] == [event.id for event in before]
