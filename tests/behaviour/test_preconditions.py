"""`If-Match` and `ifMatch`: a write of what has changed in the meantime is refused."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from app.jobs.housekeeping import housekeeping_job
from tests.clock import SetClock
from tests.factories import Instance, Workspace

WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("updateOrg", "org", {"slug": "acme", "name": "Renamed"}),
    ("updateProject", "project", {"projectId": "", "name": "Renamed"}),
    ("updateEnvironment", "environment", {"environmentId": "", "name": "Renamed"}),
    ("setSpotChecks", "spotChecks", {"environmentId": "", "contexts": [{"userId": "u-1"}]}),
    ("setTrafficSample", "trafficSample", {"environmentId": "", "size": 10, "fields": ["plan"]}),
    ("updateFlag", "flag", {"projectId": "", "key": "banner", "description": "Changed."}),
    ("updateFlagState", "flagState", {"environmentId": "", "key": "banner", "defaultValue": "bye"}),
    ("replaceFlagState", "flagState", {"environmentId": "", "key": "banner", "defaultValue": "bye", "rules": []}),
    ("killFlag", "flagState", {"environmentId": "", "key": "banner"}),
    ("updateConfig", "config", {"projectId": "", "key": "limits", "description": "Changed."}),
    ("updateConfigState", "configState", {"environmentId": "", "key": "limits", "defaultValue": 2}),
    ("replaceConfigState", "configState", {"environmentId": "", "key": "limits", "defaultValue": 2, "rules": []}),
    ("updateSegment", "segment", {"projectId": "", "key": "staff", "description": "Changed."}),
    ("updateSegmentState", "segmentState", {"environmentId": "", "key": "staff", "allowList": ["u-2"]}),
    (
        "replaceSegmentState",
        "segmentState",
        {"environmentId": "", "key": "staff", "rules": [], "allowList": ["u-2"], "denyList": []},
    ),
    ("updateAllowList", "segmentState", {"environmentId": "", "key": "staff", "add": ["u-2"]}),
    ("updateDenyList", "segmentState", {"environmentId": "", "key": "staff", "add": ["u-2"]}),
]
DELETES = {
    "deleteOrg": {"confirm": "acme"},
    "deleteProject": {"confirm": "web"},
    "deleteEnvironment": {"confirm": "prod"},
    "deleteFlag": {},
    "deleteConfig": {},
    "deleteSegment": {},
}
ADDRESS = {"slug", "projectId", "environmentId", "key"}
every_write = pytest.mark.parametrize(("write", "read", "arguments"), WRITES, ids=[write for write, _, _ in WRITES])


def filled(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    ids = {"projectId": workspace.project_id, "environmentId": workspace.environment_id}
    return {name: ids.get(name, value) for name, value in arguments.items()}


def address(workspace: Workspace, arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filled(workspace, arguments).items() if name in ADDRESS}


@every_write
@pytest.mark.raises_codes("precondition_failed")
async def test_a_stale_tag_refuses_the_write(
    instance: Instance, workspace: Workspace, write: str, read: str, arguments: dict[str, Any]
) -> None:
    given = filled(workspace, arguments)
    before = (await workspace.org.admin.do(read, **address(workspace, arguments))).etag
    reply = await workspace.org.admin.do(write, if_match=before, **given)
    assert reply.code is None
    assert reply.etag == (await workspace.org.admin.do(read, **address(workspace, arguments))).etag != before
    async with instance.unchanged():
        for stale in (before, '"nothing.1"', f'{before}, "0.0"'):
            again = await workspace.org.admin.do(write, if_match=stale, **given)
            assert (again.code, again.status) == ("precondition_failed", 412), stale
            assert again.etag == _of_content(reply.etag)


def _of_content(tag: str | None) -> str:
    """Without what is shown beside the content, such as how many proposals wait."""
    return re.sub('~.*"', '"', tag or "")


@pytest.mark.parametrize("delete", DELETES)
@pytest.mark.raises_codes("precondition_failed")
async def test_a_stale_tag_refuses_the_delete(instance: Instance, workspace: Workspace, delete: str) -> None:
    ((change, read, arguments),) = [one for one in WRITES if one[0] == delete.replace("delete", "update")]
    at, owner = address(workspace, arguments), workspace.org.owner
    before = (await owner.do(read, **at)).etag
    present = (await owner.do(change, **filled(workspace, arguments))).etag
    async with instance.unchanged():
        for stale in (before, '"nothing.1"'):
            reply = await owner.do(delete, if_match=stale, **at, **DELETES[delete])
            assert (reply.code, reply.status, reply.etag) == ("precondition_failed", 412, present), stale
    (await owner.do(delete, if_match=present, **at, **DELETES[delete])).unwrap()


@every_write
async def test_a_present_tag_a_weak_one_a_list_or_a_star_let_the_write_pass(
    workspace: Workspace, write: str, read: str, arguments: dict[str, Any]
) -> None:
    given = filled(workspace, arguments)
    for form in ("{}", "W/{}", '"other" , {}', "*"):
        tag = (await workspace.org.admin.do(read, **address(workspace, arguments))).etag or ""
        assert (await workspace.org.admin.do(write, if_match=form.format(tag), **given)).code is None, form


@pytest.mark.parametrize("end", ["applyProposal", "cancelProposal"])
@pytest.mark.raises_codes("precondition_failed")
async def test_a_stale_tag_keeps_a_proposal_from_its_end(instance: Instance, workspace: Workspace, end: str) -> None:
    admin, proposal = workspace.org.admin, {"proposalId": workspace.proposal_id}
    before = (await admin.do("proposal", **proposal)).etag
    await workspace.org.owner.make("reviewProposal", **proposal, verdict="approve")
    present = (await admin.do("proposal", **proposal)).etag or ""
    async with instance.unchanged():
        for stale in (before, '"nothing.1"'):
            reply = await admin.do(end, if_match=stale, **proposal)
            assert (reply.code, reply.status, reply.etag) == ("precondition_failed", 412, _of_content(present)), stale
    ended = await admin.do(end, if_match=f'"other", W/{present}', **proposal)
    assert ended.code is None
    assert ended.etag == (await admin.do("proposal", **proposal)).etag
    assert (await admin.do(end, if_match=present, **proposal)).code == "precondition_failed"


@pytest.mark.parametrize("end", ["applyProposal", "cancelProposal"])
@pytest.mark.raises_codes("proposal_gone")
async def test_what_changes_around_a_proposal_is_no_other_proposal(
    instance: Instance, workspace: Workspace, clock: SetClock, end: str
) -> None:
    admin, proposal = workspace.org.admin, {"proposalId": workspace.proposal_id}
    before = (await admin.do("proposal", **proposal)).etag
    await admin.make("updateEnvironment", environmentId=workspace.environment_id, requiredApprovals=2)
    asks_for_two = (await admin.do("proposal", **proposal)).etag
    clock.ahead = timedelta(days=8)
    expired = (await admin.do("proposal", **proposal)).etag
    assert (await admin.do(end, if_match=before, **proposal)).code == "proposal_gone"
    await housekeeping_job(instance.node).run()
    swept = (await admin.do("proposal", **proposal)).etag
    assert len({before, asks_for_two, expired, swept}) == 4
    async with instance.unchanged():
        for tag in (before, asks_for_two, expired, swept):
            assert (await admin.do(end, if_match=tag, **proposal)).code == "proposal_gone"


@pytest.mark.raises_codes("precondition_failed")
async def test_what_waits_for_approval_honors_its_precondition(instance: Instance, workspace: Workspace) -> None:
    await instance.protect(workspace.environment_id)
    change = {**workspace.banner, "defaultValue": "bye"}
    async with instance.unchanged():
        reply = await workspace.org.editor.do("updateFlagState", if_match='"stale"', **change)
        assert reply.code == "precondition_failed"
    present = (await workspace.org.editor.do("flagState", **workspace.banner)).etag
    async with instance.only_proposed():
        assert (await workspace.org.editor.do("updateFlagState", if_match=present, **change)).code is None


@pytest.mark.parametrize("bad", ["no-quotes", '"open', "1.2", '"a" "b"', ",", '"a";'])
async def test_what_is_no_tag_is_a_fault(instance: Instance, workspace: Workspace, bad: str) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("updateFlagState", if_match=bad, **workspace.banner, defaultValue="bye")
        assert (reply.code, reply.status, len(reply.fields)) == ("invalid_request", 400, 1)


@pytest.mark.all_pairs
async def test_of_many_writers_with_one_tag_one_writes(workspace: Workspace) -> None:
    tag = (await workspace.org.viewer.do("flagState", **workspace.banner)).etag
    replies = await asyncio.gather(
        *(
            workspace.org.editor.do("updateFlagState", if_match=tag, **workspace.banner, defaultValue=f"write {n}")
            for n in range(50)
        )
    )
    assert sorted(reply.status for reply in replies) == [200, *[412] * 49]
    assert await workspace.version() == workspace.environment["version"] + 1


async def test_another_flags_write_does_not_touch_the_tag(workspace: Workspace) -> None:
    tag = (await workspace.org.viewer.do("flagState", **workspace.banner)).etag
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    assert (await workspace.org.viewer.do("flagState", **workspace.banner)).etag == tag
    assert (await workspace.org.editor.do("killFlag", if_match=tag, **workspace.banner)).code is None


async def test_a_write_that_changes_nothing_still_honors_its_precondition(
    instance: Instance, workspace: Workspace
) -> None:
    async with instance.unchanged():
        reply = await workspace.org.editor.do("restoreFlag", if_match='"stale"', **workspace.banner)
        assert reply.code == "precondition_failed"


@pytest.mark.raises_codes("precondition_failed", "invalid_request")
async def test_an_environments_tag_tells_its_version(workspace: Workspace) -> None:
    before = await workspace.org.viewer.do("environment", environmentId=workspace.environment_id)
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    after = await workspace.org.viewer.do("environment", environmentId=workspace.environment_id)
    assert before.etag != after.etag
    change = {"environmentId": workspace.environment_id, "name": "Renamed"}
    stale = await workspace.org.editor.do("updateEnvironment", **change, if_match=before.etag)
    empty = await workspace.org.editor.do("updateEnvironment", **change, if_match="")
    assert (stale.code, empty.code) == ("precondition_failed", "invalid_request")
    assert (await workspace.org.editor.do("updateEnvironment", **change, if_match=after.etag)).code is None
