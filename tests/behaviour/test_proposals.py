"""Proposals: how one comes to be, is reviewed, applied, cancelled, and ends."""

from datetime import timedelta
from typing import Any

import pytest

from tests.clients import Api
from tests.clock import SetClock
from tests.factories import Instance, Workspace

SET_CHECKOUT = {"kind": "set_default_value_flag", "resourceKey": "checkout", "diff": {"defaultValue": False}}


async def propose(workspace: Workspace, by: Api | None = None, **asked: Any) -> dict[str, Any]:
    """A new proposal by the editor, to turn checkout off."""
    body = {"envId": workspace.environment_id, **SET_CHECKOUT, **asked}
    return dict(await (by or workspace.org.editor).make("createProposal", **body))


async def test_a_proposal_is_applied_as_it_was_made(workspace: Workspace) -> None:
    proposal = await propose(workspace, reason="It loses orders")
    assert proposal["diff"] == {"defaultValue": {"from": True, "to": False}}
    assert (proposal["status"], proposal["proposedVersion"], proposal["envId"]) == (
        "pending",
        2,
        workspace.environment_id,
    )
    assert (await workspace.org.editor.make("flagState", **workspace.checkout))["defaultValue"] is True
    applied = await workspace.org.admin.make("applyProposal", proposalId=proposal["id"])
    assert (applied["status"], applied["appliedVersion"], len(applied["approvers"])) == ("applied", 3, 1)
    assert (await workspace.org.editor.make("flagState", **workspace.checkout))["defaultValue"] is False


@pytest.mark.raises_codes("version_drift")
async def test_a_change_since_is_drift(instance: Instance, workspace: Workspace) -> None:
    proposal = await propose(workspace)
    await workspace.org.editor.make("killFlag", **workspace.banner)
    async with instance.unchanged():
        reply = await workspace.org.admin.do("applyProposal", proposalId=proposal["id"])
    assert (reply.code, reply.status) == ("version_drift", 409)


@pytest.mark.raises_codes("proposal_gone")
@pytest.mark.parametrize("end", ["applyProposal", "cancelProposal", "time"])
async def test_what_has_ended_stays_ended(instance: Instance, workspace: Workspace, clock: SetClock, end: str) -> None:
    proposal = await propose(workspace, expiresInSeconds=60)
    if end == "time":
        clock.ahead = timedelta(seconds=61)
    else:
        await workspace.org.admin.make(end, proposalId=proposal["id"])
    async with instance.unchanged():
        for operation in ("applyProposal", "cancelProposal"):
            reply = await workspace.org.admin.do(operation, proposalId=proposal["id"])
            assert (reply.code, reply.status) == ("proposal_gone", 410)
        reply = await workspace.org.admin.do("reviewProposal", proposalId=proposal["id"], verdict="approve")
        assert reply.code == "proposal_gone"


@pytest.mark.raises_codes("approval_missing", "forbidden")
async def test_a_protected_environment_asks_for_others(instance: Instance, workspace: Workspace) -> None:
    org = workspace.org
    await org.admin.make(
        "updateEnvironment", environmentId=workspace.environment_id, protected=True, requiredApprovals=2
    )
    proposal = await org.editor.make("updateFlagState", **workspace.checkout, defaultValue=False)
    assert proposal["kind"] == "set_default_value_flag"
    async with instance.unchanged():
        own = await org.editor.do("applyProposal", proposalId=proposal["id"])
        early = await org.admin.do("applyProposal", proposalId=proposal["id"])
        mine = await org.editor.do("reviewProposal", proposalId=proposal["id"], verdict="approve")
    assert (own.code, early.code, mine.code) == ("forbidden", "approval_missing", "forbidden")
    await org.owner.make("reviewProposal", proposalId=proposal["id"], verdict="request_changes", comment="No.")
    assert (await org.admin.do("applyProposal", proposalId=proposal["id"])).code == "approval_missing"
    await org.owner.make("reviewProposal", proposalId=proposal["id"], verdict="approve")
    applied = await org.admin.make("applyProposal", proposalId=proposal["id"])
    assert [one["name"] for one in applied["approvers"]] == ["acme-owner", "acme-admin"]


async def test_the_same_change_again_is_the_same_proposal(workspace: Workspace) -> None:
    first, again = await propose(workspace), await propose(workspace)
    assert first["id"] == again["id"]
    other = await propose(workspace, workspace.org.admin)
    assert other["id"] != first["id"]


async def test_lists(workspace: Workspace) -> None:
    mine = await propose(workspace)
    for operation, arguments in (
        ("proposals", {}),
        ("projectProposals", {"projectId": workspace.project_id}),
        ("environmentProposals", {"environmentId": workspace.environment_id}),
    ):
        found = await workspace.org.viewer.make(operation, **arguments)
        assert [one["id"] for one in found] == [mine["id"], workspace.proposal_id]
        assert await workspace.org.viewer.make(operation, **arguments, status=["applied", "expired"]) == []
