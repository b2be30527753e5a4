"""Proposals: how one comes to be, is reviewed, applied, cancelled, and ends."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.behaviour.test_life_of_proposals import CASES
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


async def test_the_same_change_again_is_the_same_proposal(instance: Instance, workspace: Workspace) -> None:
    first = await propose(workspace)
    async with instance.unchanged():
        assert await propose(workspace, reason="Again", expiresInSeconds=60) == first
    other = await propose(workspace, workspace.org.admin)
    assert other["id"] != first["id"]


@pytest.mark.parametrize("kind", ["set_rules_flag", "delete_config", "promote"])
async def test_what_is_proposed_already_is_not_created_again(
    instance: Instance, workspace: Workspace, kind: str
) -> None:
    await CASES[kind].prepare(workspace)
    made, again = [await workspace.org.editor.do("createProposal", **CASES[kind].by_hand(workspace)) for _ in range(2)]
    assert (again.data, again.etag) == (made.data, made.etag)
    assert [made.status, again.status] == ([201, 200] if instance.transport == "rest" else [200, 200])


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


async def test_a_delete_shows_nothing_of_environments_that_a_token_does_not_reach(
    instance: Instance, workspace: Workspace
) -> None:
    org = workspace.org
    dev = await org.admin.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Development")
    for environment_id, context in ((workspace.environment_id, {"userId": "secret"}), (dev["id"], {"userId": "open"})):
        await org.editor.make("setSpotChecks", environmentId=environment_id, contexts=[context])
    proposal = await org.editor.make(
        "createProposal", projectId=workspace.project_id, kind="delete_flag", resourceKey="checkout", diff={}
    )
    assert proposal["blastRadius"]["contexts"] == 2
    token = await instance.token(org, level="observer", environments={"envs": [dev["id"]]})
    seen = await token.make("proposal", proposalId=proposal["id"])
    assert [one["context"] for one in seen["blastRadius"]["results"]] == [{"userId": "open"}]
    assert (seen["blastRadius"]["contexts"], seen["blastRadius"]["flips"]) == (1, {"checkout": 1})
    assert [one["envId"] for one in seen["proposedVersions"]] == [dev["id"]]


async def test_who_may_not_read_is_not_told_what_is_there(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.editor.make(
        "setSpotChecks", environmentId=workspace.environment_id, contexts=[{"userId": "secret"}]
    )
    token = await instance.token(workspace.org, actions=["propose"])
    proposal = await propose(workspace, token)
    assert proposal["diff"] == {"defaultValue": {"to": False}}
    assert proposal["blastRadius"]["results"] == []


@pytest.mark.raises_codes("precondition_failed", "invalid_request")
async def test_a_precondition_comes_before_what_has_become_invalid(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.editor.make("createSegment", projectId=workspace.project_id, key="beta")
    rules = [{"if": {"$segment": "beta"}, "value": False}]
    proposal = await propose(workspace, kind="set_rules_flag", diff={"rules": rules})
    await workspace.org.editor.make("deleteSegment", projectId=workspace.project_id, key="beta")
    async with instance.unchanged():
        early = await workspace.org.admin.do("applyProposal", if_match='"x"', proposalId=proposal["id"])
        late = await workspace.org.admin.do("applyProposal", proposalId=proposal["id"])
    assert (early.code, late.code) == ("precondition_failed", "invalid_request")
    assert set(late.fields) == {"diff.rules.0.if.$segment"}


async def test_what_is_equal_as_json_is_the_same_change(workspace: Workspace) -> None:
    def of_limits(value: Any) -> dict[str, Any]:
        return {"kind": "set_default_value_config", "resourceKey": "limits", "diff": {"defaultValue": value}}

    first = await propose(workspace, **of_limits({"a": 2, "b": [1, {"c": 50}]}))
    again = await propose(workspace, **of_limits({"b": [1.0, {"c": 50.0}], "a": 2}))
    other = await propose(workspace, **of_limits({"b": [1, {"c": 51}], "a": 2}))
    assert first["id"] == again["id"] != other["id"]


async def test_both_reasons_are_kept_where_protection_is_overridden(instance: Instance, workspace: Workspace) -> None:
    await workspace.org.admin.make("updateEnvironment", environmentId=workspace.environment_id, protected=True)
    await workspace.org.owner.make(
        "updateFlagState", **workspace.checkout, defaultValue=False, reason="As agreed.", breakGlass="It burns."
    )
    event = (await instance.audited())[-1]
    assert (event.break_glass, event.reason) == (True, "It burns.\nAs agreed.")


async def test_what_it_would_do_is_told_for_the_version_that_it_rests_on(workspace: Workspace) -> None:
    editor = workspace.org.editor
    await editor.make("setSpotChecks", environmentId=workspace.environment_id, contexts=[{"userId": "u-1"}])

    async def write(number: int) -> None:
        await editor.make("updateFlagState", **workspace.banner, defaultValue=str(number))

    async def proposed(number: int) -> dict[str, Any]:
        diff = {"rules": [{"name": str(number), "value": False}]}
        return await propose(workspace, kind="set_rules_flag", diff=diff)

    made = await asyncio.gather(*(one(number) for number in range(8) for one in (write, proposed)))
    proposals = [one for one in made if one is not None]
    assert [one["blastRadius"]["version"] for one in proposals] == [one["proposedVersion"] for one in proposals]


@pytest.mark.raises_codes("forbidden")
async def test_whoever_invited_somebody_unproven_is_behind_their_proposals(
    instance: Instance, workspace: Workspace
) -> None:
    org = workspace.org
    await org.admin.make("updateEnvironment", environmentId=workspace.environment_id, protected=True)
    invited = await org.admin.make("createInvitation", orgSlug=org.slug, email="ghost@example.com", role="editor")
    ghost = instance.anonymous()
    secret = invited["acceptUrl"].rpartition("/")[2]
    await ghost.make("acceptInvitation", token=secret, displayName="Ghost")
    proposal = await ghost.make("updateFlagState", **workspace.checkout, defaultValue=False)
    async with instance.unchanged():
        for operation, more in (("applyProposal", {}), ("reviewProposal", {"verdict": "approve"})):
            assert (await org.admin.do(operation, proposalId=proposal["id"], **more)).code == "forbidden"
    assert (await org.owner.make("applyProposal", proposalId=proposal["id"]))["status"] == "applied"
