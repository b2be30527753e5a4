"""What becomes of proposals when what they change, or where, is not as it was."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from app.jobs.housekeeping import housekeeping_job
from app.models import Primitive
from tests.behaviour.test_life_of_proposals import CASES, pending
from tests.clock import SetClock
from tests.factories import Instance, Workspace, proposal_of

OF_STAFF = [{"if": {"$segment": "staff"}, "value": "inside"}]
ASKS_FOR_TEXT = {"type": "object", "properties": {"a": {"type": "string"}}}


async def proposed(workspace: Workspace, **asked: Any) -> dict[str, str]:
    """What names a new proposal by the editor."""
    return {"proposalId": (await workspace.org.editor.make("createProposal", **asked))["id"]}


@pytest.mark.raises_codes("not_found")
@pytest.mark.parametrize("kind", ["set_rules_flag", "kill_flag", "delete_config", "set_allow_list_segment"])
async def test_of_what_was_deleted_a_proposal_can_only_be_cancelled(
    instance: Instance, workspace: Workspace, kind: str
) -> None:
    case, org, project = CASES[kind], workspace.org, {"projectId": workspace.project_id}
    it = await proposed(workspace, **case.by_hand(workspace))
    await org.admin.make(f"delete{case.primitive.title()}", **project, key=case.key)
    if case.primitive == "flag":  # another of the same key is not what the proposal is about
        await org.admin.make("createFlag", **project, key=case.key, type="boolean", defaultValue=True)
    async with instance.unchanged():
        reply = await org.admin.do("applyProposal", **it)
    told = f"There is no such {case.primitive}. It was deleted after the proposal was made, which can be cancelled."
    assert (reply.code, reply.message) == ("not_found", told)
    assert (await org.editor.make("cancelProposal", **it))["status"] == "cancelled"


@pytest.mark.raises_codes("invalid_request")
@pytest.mark.parametrize("because", ["a segment has gone", "a schema asks for something else"])
async def test_a_proposal_that_is_not_valid_any_more_says_what_is_wrong(
    instance: Instance, workspace: Workspace, because: str
) -> None:
    org, project = workspace.org, {"projectId": workspace.project_id}
    place: dict[str, Any] = {"envId": workspace.environment_id}
    if because == "a segment has gone":
        change: dict[str, Any] = {"kind": "set_rules_flag", "resourceKey": "banner", "diff": {"rules": OF_STAFF}}
        it = await proposed(workspace, **place, **change)
        await org.admin.make("deleteSegment", **project, key="staff")
        path = "diff.rules.0.if.$segment"
    else:
        await org.editor.make("updateConfigState", **workspace.limits, defaultValue={"b": 1})
        change = {"kind": "set_default_value_config", "resourceKey": "limits", "diff": {"defaultValue": {"a": 2}}}
        it = await proposed(workspace, **place, **change)
        await org.editor.make("updateConfig", **project, key="limits", jsonSchema=ASKS_FOR_TEXT, initialValue={})
        path = "diff.defaultValue.a"
    async with instance.unchanged():
        reply = await org.admin.do("applyProposal", **it)
        again = await org.editor.do("createProposal", **place, **change)
    assert (reply.code, list(reply.fields)) == ("invalid_request", [path])
    assert reply.message == "The proposal is no longer valid. Cancel it, and propose a change that is."
    assert (again.code, again.fields) == ("invalid_request", reply.fields)
    assert (await org.editor.make("cancelProposal", **it))["status"] == "cancelled"


@pytest.mark.raises_codes("in_use")
async def test_what_is_used_by_now_is_not_deleted(instance: Instance, workspace: Workspace) -> None:
    it = await proposed(workspace, **CASES["delete_segment"].by_hand(workspace))
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=OF_STAFF)
    async with instance.unchanged():
        reply = await workspace.org.admin.do("applyProposal", **it)
    assert (reply.code, list(reply.fields)) == ("in_use", ["flag.banner"])
    await workspace.org.admin.make("cancelProposal", **it)


@pytest.mark.raises_codes("not_found")
@pytest.mark.parametrize("operation", ["deleteEnvironment", "deleteProject", "deleteOrg"])
async def test_where_nothing_is_left_nothing_waits(instance: Instance, workspace: Workspace, operation: str) -> None:
    org = workspace.org
    it = await proposed(workspace, **CASES["set_rules_flag"].by_hand(workspace))
    delete = await proposed(workspace, **CASES["delete_config"].by_hand(workspace))
    await org.owner.make("reviewProposal", **it, verdict="approve")
    await instance.mails()
    arguments = {
        "deleteOrg": {"slug": org.slug, "confirm": org.slug},
        "deleteProject": {"projectId": workspace.project_id, "confirm": workspace.project["key"]},
        "deleteEnvironment": {"environmentId": workspace.environment_id, "confirm": workspace.environment["key"]},
    }[operation]
    await org.owner.make(operation, **arguments)
    left = [] if operation != "deleteEnvironment" else [delete["proposalId"]]  # which is the project's
    assert await pending(workspace) == left
    for ended in [it, delete][: 2 - len(left)]:
        for asked, more in (
            ("proposal", {}),
            ("reviews", {}),
            ("applyProposal", {}),
            ("cancelProposal", {}),
            ("reviewProposal", {"verdict": "approve"}),
        ):
            assert (await org.owner.do(asked, **ended, **more)).code == "not_found"
    rows = await instance.rows()
    tables = ("proposal", "proposal_content", "proposal_review", "proposal_news")
    assert [len(rows[table]) for table in tables] == [len(left), len(left), 0, 0]
    if left:
        assert (await org.admin.make("applyProposal", **delete))["status"] == "applied"


@pytest.mark.raises_codes("version_drift")
async def test_a_copy_of_an_environment_has_none_of_its_proposals(instance: Instance, workspace: Workspace) -> None:
    org, project = workspace.org, {"projectId": workspace.project_id}
    it = await proposed(workspace, **CASES["set_rules_flag"].by_hand(workspace))
    delete = await proposed(workspace, **CASES["delete_config"].by_hand(workspace))
    copy = await org.owner.make(
        "createEnvironment", **project, key="copy", name="Copy", copyFromEnvId=workspace.environment_id
    )
    found = await org.viewer.make("environmentProposals", environmentId=copy["id"])
    assert [one["id"] for one in found] == [delete["proposalId"]]
    async with instance.unchanged():
        reply = await org.admin.do("applyProposal", **delete)
    assert reply.code == "version_drift"
    assert reply.extra == {"liveVersion": 1, "proposedVersion": 0, "environmentId": copy["id"]}
    await org.admin.make("applyProposal", **it)


async def test_however_many_have_expired_all_are_swept(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    async with instance.node.database.writing() as session:
        banner = (await session.execute(select(Primitive).where(col(Primitive.key) == "banner"))).scalar_one()
        environment = {**workspace.environment, "projectId": workspace.project_id}
        session.add_all(proposal_of(workspace.project["orgId"], environment, banner) for _ in range(450))
        await session.commit()
    clock.ahead = timedelta(days=8)
    await housekeeping_job(instance.node).run()
    rows, events = await instance.rows(), await instance.audited()
    assert sum("pending" in row for row in rows["proposal"]) == 0
    assert [one.action for one in events].count("expire_proposal") == 451
