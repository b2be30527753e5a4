"""Whose word on a proposal counts, and who may apply it."""

from typing import Any

import pytest
from sqlalchemy import insert

from app.domain.ids import new_id
from app.domain.proposals import ProposalKind
from app.models import ProposalReview
from app.services.reviews import MAX_REVIEWS
from tests.behaviour.test_life_of_proposals import CASES, every_kind
from tests.clients import Api
from tests.factories import Instance, Workspace


async def id_of(person: Api) -> str:
    """Who it is."""
    return str((await person.make("me"))["actor"]["id"])


async def proposed(workspace: Workspace, by: Api) -> dict[str, str]:
    """What names a new proposal."""
    made = await by.make("createProposal", **CASES["set_default_value_flag"].by_hand(workspace))
    return {"proposalId": made["id"]}


async def protect(workspace: Workspace, required: int = 1) -> None:
    """By the admin."""
    await workspace.org.admin.make(
        "updateEnvironment", environmentId=workspace.environment_id, protected=True, requiredApprovals=required
    )


@pytest.mark.raises_codes("approval_missing")
async def test_as_many_must_approve_as_the_environment_asks_for_at_the_apply(
    instance: Instance, workspace: Workspace
) -> None:
    org, environment = workspace.org, {"environmentId": workspace.environment_id}
    it = await proposed(workspace, org.editor)
    await protect(workspace, required=2)
    async with instance.unchanged():
        reply = await org.admin.do("applyProposal", **it)
    assert (reply.code, reply.message) == (
        "approval_missing",
        "The proposal has 1 of the 2 approvals that it needs.",
    )
    assert (await org.viewer.make("proposal", **it))["requiredApprovals"] == 2
    await org.owner.make("updateEnvironment", **environment, requiredApprovals=1, breakGlass="We are few today.")
    assert (await org.admin.make("applyProposal", **it))["status"] == "applied"


@pytest.mark.raises_codes("approval_missing")
async def test_whoever_applies_is_one_person_whatever_they_have_said(instance: Instance, workspace: Workspace) -> None:
    org = workspace.org
    await protect(workspace, required=2)
    it = await proposed(workspace, org.editor)
    await org.admin.make("reviewProposal", **it, verdict="approve")
    async with instance.unchanged():
        reply = await org.admin.do("applyProposal", **it)
    assert (reply.code, reply.message) == (
        "approval_missing",
        "The proposal has 1 of the 2 approvals that it needs.",
    )
    await org.owner.make("reviewProposal", **it, verdict="request_changes")
    applied = await org.owner.make("applyProposal", **it)  # which is their last word
    assert [one["id"] for one in applied["approvers"]] == [await id_of(org.admin), await id_of(org.owner)]


@pytest.mark.raises_codes("approval_missing")
@pytest.mark.parametrize("leaves", [False, True])
@pytest.mark.parametrize("verdict", ["approve", "request_changes"])
async def test_the_word_of_somebody_who_may_not_review_any_more_does_not_count(
    instance: Instance, workspace: Workspace, verdict: str, *, leaves: bool
) -> None:
    org = workspace.org
    reviewer = {"orgSlug": org.slug, "userId": await id_of(org.editor)}
    await protect(workspace, required=2 if verdict == "approve" else 1)
    it = await proposed(workspace, org.owner)
    review = await org.editor.make("reviewProposal", **it, verdict=verdict)
    before = (await org.viewer.make("proposal", **it))["approvers"]
    assert before == ([review["reviewer"]] if verdict == "approve" else [])
    if verdict == "request_changes":
        assert (await org.admin.do("applyProposal", **it)).code == "approval_missing"
    await (
        org.owner.make("removeMember", **reviewer)
        if leaves
        else org.owner.make("updateMember", **reviewer, role="viewer")
    )
    assert (await org.viewer.make("proposal", **it))["approvers"] == []
    reply = await org.admin.do("applyProposal", **it)
    assert reply.code == ("approval_missing" if verdict == "approve" else None)
    if verdict == "approve" and not leaves:  # what was said counts again
        await org.owner.make("updateMember", **reviewer, role="editor")
        assert (await org.admin.make("applyProposal", **it))["approvers"][0] == review["reviewer"]


@pytest.mark.raises_codes("forbidden")
@pytest.mark.parametrize("protected", [False, True])
async def test_a_token_proposes_for_whoever_created_it(
    instance: Instance, workspace: Workspace, *, protected: bool
) -> None:
    org, agent = workspace.org, await instance.token(workspace.org, level="proposer")  # which the admin has created
    it = await proposed(workspace, agent)
    if protected:
        await protect(workspace)
    async with instance.unchanged():
        assert (await org.admin.do("reviewProposal", **it, verdict="approve")).code == "forbidden"
    reply = await org.admin.do("applyProposal", **it)
    assert reply.code == ("forbidden" if protected else None)
    if protected:
        other = await instance.token(org)  # which the same person has created
        async with instance.unchanged():
            assert (await other.do("applyProposal", **it)).code == "forbidden"
        await org.editor.make("applyProposal", **it)


@pytest.mark.raises_codes("approval_missing")
async def test_a_tokens_applying_is_nobodys_approval(instance: Instance, workspace: Workspace) -> None:
    org, token = workspace.org, await instance.token(workspace.org, level="maintainer")
    it = await proposed(workspace, org.editor)
    async with instance.unchanged():
        assert (await token.do("applyProposal", **it)).code == "approval_missing"
    review = await org.owner.make("reviewProposal", **it, verdict="approve")
    applied = await token.make("applyProposal", **it)
    assert (applied["approvers"], applied["endedBy"]) == ([review["reviewer"]], (await token.make("me"))["actor"])
    assert (await org.viewer.make("flagState", **workspace.checkout))["updatedBy"] == applied["endedBy"]


@pytest.mark.raises_codes("forbidden")
@pytest.mark.parametrize("asked", [{}, {"approvalRequired": True}, {"approvalRequired": True, "level": "maintainer"}])
async def test_a_token_applies_neither_its_own_nor_anything_if_its_own_wait(
    instance: Instance, workspace: Workspace, asked: dict[str, Any]
) -> None:
    org, token = workspace.org, await instance.token(workspace.org, **asked)
    own, others = await proposed(workspace, token), await proposed(workspace, org.editor)
    for it in (own, others):
        await org.owner.make("reviewProposal", **it, verdict="approve")
    async with instance.unchanged():
        for it in (own, others) if asked else (own,):
            assert (await token.do("applyProposal", **it)).code == "forbidden"
            assert (await token.do("reviewProposal", **it, verdict="approve")).code == "forbidden"


VERBS = {"kill_flag": "toggle", "restore_flag": "toggle", "delete_flag": "delete", "delete_config": "delete"}
VERBS |= {"delete_segment": "delete", "promote": "promote"}


@every_kind
@pytest.mark.raises_codes("token_action_denied")
async def test_a_token_applies_what_it_could_do_itself(instance: Instance, workspace: Workspace, kind: str) -> None:
    case, org, verb = CASES[kind], workspace.org, VERBS.get(kind, "write")
    await case.prepare(workspace)
    it = {"proposalId": (await org.editor.make("createProposal", **case.by_hand(workspace)))["id"]}
    await org.owner.make("reviewProposal", **it, verdict="approve")
    others = {"write", "toggle", "delete", "propose", "promote"} - {verb}
    lacking = await instance.token(org, actions=["read", *sorted(others)])
    async with instance.unchanged():
        assert (await lacking.do("applyProposal", **it)).code == "token_action_denied"
    await (await instance.token(org, actions=["read", verb])).make("applyProposal", **it)


@pytest.mark.raises_codes("insufficient_role")
async def test_a_viewer_watches(instance: Instance, workspace: Workspace) -> None:
    it, viewer = await proposed(workspace, workspace.org.editor), workspace.org.viewer
    async with instance.unchanged():
        for operation, more in (
            ("createProposal", CASES["kill_flag"].by_hand(workspace)),
            ("reviewProposal", {**it, "verdict": "approve"}),
            ("applyProposal", it),
            ("cancelProposal", it),
        ):
            assert (await viewer.do(operation, **more)).code == "insufficient_role"


async def test_who_proposed_may_cancel_whatever_has_become_of_their_role(workspace: Workspace) -> None:
    org = workspace.org
    it = await proposed(workspace, org.editor)
    await org.owner.make("updateMember", orgSlug=org.slug, userId=await id_of(org.editor), role="viewer")
    assert (await org.editor.make("cancelProposal", **it))["status"] == "cancelled"


@pytest.mark.raises_codes("approval_missing", "forbidden")
async def test_a_delete_asks_for_the_approvals_of_the_environment_that_asks_for_most(
    instance: Instance, workspace: Workspace
) -> None:
    org, project = workspace.org, {"projectId": workspace.project_id}
    for key, required, protected in (("most", 2, True), ("open", 5, False)):
        await org.admin.make(
            "createEnvironment", **project, key=key, name=key, requiredApprovals=required, protected=protected
        )
    made = await org.editor.make("deleteFlag", **project, key="checkout")
    assert (made["kind"], made["requiredApprovals"]) == (ProposalKind.DELETE_FLAG, 2)
    it = {"proposalId": made["id"]}
    async with instance.unchanged():
        assert (await org.editor.do("applyProposal", **it)).code == "forbidden"
        assert (await org.admin.do("applyProposal", **it)).code == "approval_missing"
    await org.owner.make("reviewProposal", **it, verdict="approve")
    await org.admin.make("applyProposal", **it)
    assert (await org.viewer.do("flag", **project, key="checkout")).code == "not_found"


async def test_a_reason_to_apply_takes_the_place_of_that_to_propose(instance: Instance, workspace: Workspace) -> None:
    org = workspace.org
    made = await org.editor.make("createProposal", **CASES["kill_flag"].by_hand(workspace), reason="It loses orders")
    await org.admin.make("applyProposal", proposalId=made["id"], reason="Seen by the team")
    event = (await instance.audited())[-1]
    assert (event.action, event.reason, event.proposal_id) == ("apply_proposal", "Seen by the team", made["id"])
    assert (await org.viewer.make("proposal", proposalId=made["id"]))["reason"] == "It loses orders"


async def test_how_often_one_person_reviews_keeps_nobody_else_from_it(instance: Instance, workspace: Workspace) -> None:
    it = await proposed(workspace, workspace.org.owner)
    await workspace.org.editor.make("reviewProposal", **it, verdict="approve")
    reviewer, at = (
        {"kind": "member", "id": await id_of(workspace.org.editor), "name": "Editor"},
        instance.node.clock.now(),
    )
    said = {"proposal_id": it["proposalId"], "reviewer_id": reviewer["id"], "reviewer": reviewer, "verdict": "approve"}
    earlier = [{**said, "id": new_id(), "comment": "", "created_at": at} for _ in range(MAX_REVIEWS - 1)]
    await instance.execute(insert(ProposalReview).values(earlier))
    async with instance.unchanged():
        reply = await workspace.org.editor.do("reviewProposal", **it, verdict="request_changes")
    assert (reply.code, reply.fields) == (
        "invalid_request",
        {"quota": f"A person can review a proposal at most {MAX_REVIEWS} times."},
    )
    await workspace.org.admin.make("reviewProposal", **it, verdict="approve")
