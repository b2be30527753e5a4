"""Every write leaves its row in the audit: who, what, why, in which request, and which version it made."""

from typing import Any

import pytest

from app.domain.operations import Operation
from app.domain.policy import TABLE
from tests.behaviour.test_roles import WRITES
from tests.clients import ENDPOINTS
from tests.factories import Instance, Workspace

OF_STATES = {
    Operation.CREATE_PRIMITIVE,
    Operation.DELETE_PRIMITIVE,
    Operation.UPDATE_STATE,
    Operation.KILL,
    Operation.RESTORE,
    Operation.PROMOTE,
    Operation.APPLY_PROPOSAL,
}
BEFORE = {"restoreFlag": "killFlag", "deleteTrafficSample": "setTrafficSample"}  # what makes it a change
ENDS_ALL = {"deleteOrg"}  # after which nobody is left to read it


@pytest.mark.parametrize("operation", WRITES)
async def test_a_write_is_recorded(instance: Instance, workspace: Workspace, operation: str) -> None:
    owner, arguments = workspace.org.owner, WRITES[operation](workspace)
    if operation in BEFORE:
        await owner.make(BEFORE[operation], **WRITES[BEFORE[operation]](workspace))
    endpoint = ENDPOINTS[operation]
    if endpoint.operation is Operation.PROMOTE:
        arguments |= {"fromEnvId": await _another(workspace), **({"flags": ["banner"]} if "flags" in arguments else {})}
    reasoned = endpoint.body is not None and "reason" in endpoint.body.model_fields
    before = await instance.audited()
    reply = await owner.do(operation, **arguments, **({"reason": "Because."} if reasoned else {}))
    reply.unwrap()
    made = (await instance.audited())[len(before) :]
    assert made, "nothing was recorded"
    event = made[-1]
    assert event.request_id == reply.request_id
    assert event.actor_kind == "member"
    assert event.action in {one.value for one in endpoint.operations}
    assert event.reason == ("Because." if reasoned else None)
    versions = await instance.audited_versions(event)
    assert bool(versions) == (endpoint.operation in OF_STATES), versions
    if operation not in ENDS_ALL:
        listed = await _listed(workspace, reply.request_id)
        assert {one["id"] for one in listed} == {one.id for one in made}
        assert {one["actor"]["name"] for one in listed} == {"acme-owner"}


async def _another(workspace: Workspace) -> str:
    """An environment that holds something else."""
    owner, new = workspace.org.owner, {"projectId": workspace.project_id, "key": "dev", "name": "Dev"}
    there = {"environmentId": (await owner.make("createEnvironment", **new))["id"]}
    await owner.make("updateFlagState", **there, key="banner", defaultValue="moin")
    await owner.make("updateConfigState", **there, key="limits", defaultValue=[1])
    await owner.make("updateSegmentState", **there, key="staff", denyList=["u-2"])
    return str(there["environmentId"])


async def _listed(workspace: Workspace, request_id: str) -> list[dict[str, Any]]:
    found = await workspace.org.owner.make("auditEvents", slug=workspace.org.slug)
    return [one for one in found if one["requestId"] == request_id]


def test_every_row_that_writes_is_tried() -> None:
    """But for those that other tests hold: of people's own doings, and of what only some contents of a call ask for."""
    tried = {ENDPOINTS[name].operation for name in WRITES} | {
        one for name in WRITES for one in ENDPOINTS[name].operations
    }
    reads = {one for one in TABLE if one.value.startswith(("read_", "list_")) or one is Operation.EVALUATE}
    assert set(TABLE) - tried - reads == {
        Operation.CREATE_ORG,
        Operation.ACCEPT_INVITATION,
        Operation.BREAK_GLASS,
    }
