"""Every change that people audit may say why; the reason has a column of its own in the audit."""

from typing import Any

import pytest

from tests.factories import Instance, Workspace

WHY = "Because they asked for it."
CHANGES: dict[str, dict[str, Any]] = {
    "createFlag": {"projectId": "", "key": "new", "type": "string", "defaultValue": "x"},
    "updateFlag": {"projectId": "", "key": "banner", "description": "Changed.", "initialValue": "x"},
    "deleteFlag": {"projectId": "", "key": "banner"},
    "createEnvironment": {"projectId": "", "key": "dev", "name": "Dev"},
    "updateEnvironment": {"environmentId": "", "name": "Renamed"},
    "setSpotChecks": {"environmentId": "", "contexts": [{}]},
    "setTrafficSample": {"environmentId": "", "size": 10, "fields": ["plan"]},
    "deleteEnvironment": {"environmentId": "", "confirm": "prod"},
    "createProject": {"orgSlug": "acme", "key": "app", "name": "App"},
    "updateProject": {"projectId": "", "name": "Renamed"},
    "deleteProject": {"projectId": "", "confirm": "web"},
    "updateOrg": {"slug": "acme", "name": "Renamed"},
    "removeMember": {"orgSlug": "acme", "userId": ""},
    "revokeApiKey": {"orgSlug": "acme", "apiKeyId": ""},
}


@pytest.mark.parametrize("operation", CHANGES)
async def test_a_reason_is_recorded_beside_what_was_changed(
    instance: Instance, workspace: Workspace, operation: str
) -> None:
    ids = {"projectId": workspace.project_id, "environmentId": workspace.environment_id}
    ids |= {"userId": workspace.guest_id, "apiKeyId": workspace.api_key["id"]}
    before = len(await instance.audited())
    arguments = {name: value or ids[name] for name, value in CHANGES[operation].items()}
    (await workspace.org.owner.do(operation, **arguments, reason=WHY)).unwrap()
    (event,) = (await instance.audited())[before:]
    assert event.reason == WHY
    recorded = f"{event.previous_value} {event.new_value}"
    assert '"reason"' not in recorded
    assert WHY not in recorded
