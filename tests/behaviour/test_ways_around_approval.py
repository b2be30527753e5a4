"""What must wait for approval gets through by no other road, and what was approved is not lost on its way."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.behaviour.test_approvals import id_of, proposed, protect
from tests.behaviour.test_life_of_proposals import CASES
from tests.factories import Instance, Workspace

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


async def states(workspace: Workspace) -> list[Any]:
    """What the environment holds, and its version."""
    viewer, here = workspace.org.viewer, {"environmentId": workspace.environment_id}
    return [await workspace.version()] + [
        await viewer.make(name, **here) for name in ("flagStates", "configStates", "segmentStates")
    ]


async def test_a_change_of_an_identity_changes_no_state_that_is_protected(workspace: Workspace) -> None:
    editor, project = workspace.org.editor, {"projectId": workspace.project_id}
    await protect(workspace)
    before = await states(workspace)
    await editor.make("updateFlag", **project, key="checkout", initialValue=False)
    await editor.make("updateConfig", **project, key="limits", jsonSchema=SCHEMA, initialValue={"a": 5})
    assert await states(workspace) == before


@pytest.mark.parametrize("free", [False, True])
async def test_each_road_to_a_protected_state_ends_at_a_proposal(
    instance: Instance, workspace: Workspace, *, free: bool
) -> None:
    """For an owner, and for a token that may do everything and does not require approval."""
    caller = await instance.token(workspace.org) if free else workspace.org.owner
    await CASES["promote"].prepare(workspace)
    await workspace.org.editor.make("killFlag", **workspace.banner)
    await protect(workspace)
    source, here = {"fromEnvId": "acme:web:dev"}, {"environmentId": workspace.environment_id}
    roads: list[tuple[str, dict[str, Any]]] = [
        ("updateFlagState", {**workspace.checkout, "defaultValue": False}),
        ("replaceFlagState", {**workspace.checkout, "defaultValue": False, "rules": []}),
        ("restoreFlag", workspace.banner),
        ("promoteFlag", {**workspace.checkout, **source}),
        ("promote", {**here, **source}),
        ("promote", {**here, **source, "flags": ["checkout"], "includeNeeds": True}),
        ("updateConfigState", {**workspace.limits, "defaultValue": {"a": 2}}),
        ("updateSegmentState", {**workspace.staff, "allowList": ["u-1"]}),
        ("updateAllowList", {**workspace.staff, "add": ["u-1"]}),
        ("updateDenyList", {**workspace.staff, "add": ["u-1"]}),
        ("deleteFlag", {"projectId": workspace.project_id, "key": "checkout"}),
    ]
    async with instance.only_proposed():
        for operation, arguments in roads:
            assert (await caller.make(operation, **arguments))["status"] == "pending", operation


@pytest.mark.raises_codes("forbidden")
@pytest.mark.parametrize("asked", [{}, {"approvalRequired": True}])
async def test_no_token_breaks_the_glass(instance: Instance, workspace: Workspace, asked: dict[str, Any]) -> None:
    await protect(workspace, required=2)
    environment = {"environmentId": workspace.environment_id}
    token = await instance.token(workspace.org, **asked)
    async with instance.unchanged():
        for operation, arguments in (
            ("updateFlagState", {**workspace.checkout, "defaultValue": False}),
            ("deleteFlag", {"projectId": workspace.project_id, "key": "checkout"}),
            ("updateEnvironment", {**environment, "protected": False}),
            ("updateEnvironment", {**environment, "requiredApprovals": 1}),
        ):
            never = asked and operation == "updateEnvironment"  # by such a token, protected or not
            reply = await token.do(operation, **arguments, breakGlass="Let me.")
            assert reply.code == ("approval_not_supported" if never else "forbidden")


@pytest.mark.raises_codes("token_env_out_of_scope")
async def test_a_token_of_one_environment_deletes_in_none_by_applying(instance: Instance, workspace: Workspace) -> None:
    org, here = workspace.org, {"envs": [workspace.environment_id]}
    made = await org.editor.make("createProposal", **CASES["delete_flag"].by_hand(workspace))
    await org.owner.make("reviewProposal", proposalId=made["id"], verdict="approve")
    token = await instance.token(org, actions=["read", "delete"], environments=here)
    async with instance.unchanged():
        reply = await token.do("applyProposal", proposalId=made["id"])
        at_once = await token.do("deleteFlag", projectId=workspace.project_id, key="checkout")
    assert (reply.code, reply.message) == (at_once.code, at_once.message)
    assert reply.message == "The token's environments do not cover the whole project."


@pytest.mark.raises_codes("forbidden")
@pytest.mark.parametrize("ends", ["renewed by another", "revoked"])
async def test_behind_a_token_is_who_created_it_whatever_becomes_of_it(
    instance: Instance, workspace: Workspace, ends: str
) -> None:
    org = workspace.org
    await protect(workspace)
    minted = await instance.minted(org, level="proposer")  # by the admin
    named = {"orgSlug": org.slug, "apiKeyId": minted["id"]}
    it = await proposed(workspace, instance.bearer(minted["token"]))
    if ends == "revoked":
        await org.owner.make("revokeApiKey", **named)
    else:
        await org.owner.make("renewApiKey", **named, expiresInSeconds=7200)
    async with instance.unchanged():
        assert (await org.admin.do("applyProposal", **it)).code == "forbidden"
        assert (await org.admin.do("reviewProposal", **it, verdict="approve")).code == "forbidden"
    assert (await org.owner.make("applyProposal", **it))["status"] == "applied"


async def test_what_was_proposed_is_applied_though_who_proposed_it_has_left(workspace: Workspace) -> None:
    org = workspace.org
    it = await proposed(workspace, org.editor)
    await org.owner.make("removeMember", orgSlug=org.slug, userId=await id_of(org.editor))
    assert (await org.editor.do("cancelProposal", **it)).code == "not_found"
    assert (await org.admin.make("applyProposal", **it))["status"] == "applied"


async def test_a_promotion_is_applied_as_shown_though_its_source_is_deleted(workspace: Workspace) -> None:
    org, case = workspace.org, CASES["promote"]
    await case.prepare(workspace)
    made = await org.editor.make("createProposal", **case.by_hand(workspace))
    await org.owner.make("deleteEnvironment", environmentId="acme:web:dev", confirm="dev")
    assert await org.viewer.make("proposal", proposalId=made["id"]) == made
    await org.admin.make("applyProposal", proposalId=made["id"])
    now = await org.viewer.make("flagState", **workspace.checkout)
    assert {name: now[name] for name in case.wanted} == case.wanted


@pytest.mark.all_pairs
async def test_of_two_changes_applied_at_one_moment_one_has_drifted(workspace: Workspace) -> None:
    org, change = workspace.org, CASES["set_default_value_config"].by_hand(workspace)
    values = [{"a": 5}, {"a": 6}]
    made = [await org.editor.make("createProposal", **{**change, "diff": {"defaultValue": one}}) for one in values]
    replies = await asyncio.gather(*(org.admin.do("applyProposal", proposalId=one["id"]) for one in made))
    assert Counter(reply.code for reply in replies) == {None: 1, "version_drift": 1}
    (applied,) = [value for value, reply in zip(values, replies, strict=True) if reply.code is None]
    assert (await org.viewer.make("configState", **workspace.limits))["defaultValue"] == applied


@pytest.mark.all_pairs
async def test_a_write_beside_a_protect_is_before_it_or_waits(workspace: Workspace) -> None:
    org, environment = workspace.org, {"environmentId": workspace.environment_id}
    for number in range(5):
        wanted = {"a": 10 + number}
        _, reply = await asyncio.gather(
            org.admin.do("updateEnvironment", **environment, protected=True),
            org.editor.do("updateConfigState", **workspace.limits, defaultValue=wanted),
        )
        waits = reply.unwrap().get("status") == "pending"
        value = (await org.viewer.make("configState", **workspace.limits))["defaultValue"]
        assert (value == wanted) != waits
        await org.owner.make("updateEnvironment", **environment, protected=False, breakGlass="Once more.")


@pytest.mark.all_pairs
async def test_of_applies_and_cancels_at_one_moment_one_wins(workspace: Workspace) -> None:
    org = workspace.org
    for number in range(3):
        change = {**CASES["set_default_value_config"].by_hand(workspace), "diff": {"defaultValue": {"a": 20 + number}}}
        it = {"proposalId": (await org.editor.make("createProposal", **change))["id"]}
        calls = [(org.owner, "applyProposal"), (org.editor, "cancelProposal"), (org.admin, "applyProposal")]
        replies = await asyncio.gather(*(caller.do(operation, **it) for caller, operation in calls))
        assert Counter(reply.code for reply in replies) == {None: 1, "proposal_gone": 2}
        (ended,) = [reply.data["status"] for reply in replies if reply.code is None]
        value = (await org.viewer.make("configState", **workspace.limits))["defaultValue"]
        assert (value == {"a": 20 + number}) == (ended == "applied")
