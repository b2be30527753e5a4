"""`openProposals` on states: what waits for the state, or to delete what it belongs to."""

from datetime import timedelta
from typing import Any

import pytest

from tests.clients import Api
from tests.clock import SetClock
from tests.factories import Instance, Workspace

# By kind: the key, a change of its state, and the kinds of proposals for that and for a delete.
CHANGES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "flag": ("checkout", "set_default_value_flag", {"defaultValue": False}),
    "config": ("limits", "set_default_value_config", {"defaultValue": {"a": 2}}),
    "segment": ("staff", "set_allow_list_segment", {"allowList": ["u-1"]}),
}
every_kind = pytest.mark.parametrize("noun", CHANGES)


async def propose(workspace: Workspace, noun: str, by: Api | None = None, **asked: Any) -> str:
    """A new proposal to change the primitive's state."""
    key, kind, diff = CHANGES[noun]
    change = {"envId": workspace.environment_id, "kind": kind, "resourceKey": key, "diff": diff, **asked}
    return str((await (by or workspace.org.editor).make("createProposal", **change))["id"])


async def propose_delete(workspace: Workspace, noun: str) -> str:
    change = {"projectId": workspace.project_id, "kind": f"delete_{noun}", "resourceKey": CHANGES[noun][0], "diff": {}}
    return str((await workspace.org.editor.make("createProposal", **change))["id"])


async def open_on(workspace: Workspace, noun: str, environment_id: str | None = None, by: Api | None = None) -> int:
    """The number, which a list and the single state must agree on."""
    caller, at, key = by or workspace.org.viewer, environment_id or workspace.environment_id, CHANGES[noun][0]
    (listed,) = await caller.make(f"{noun}States", environmentId=at, key=key)
    single = await caller.make(f"{noun}State", environmentId=at, key=key)
    assert listed["openProposals"] == single["openProposals"]
    return int(single["openProposals"])


@every_kind
async def test_what_waits_for_a_state_is_counted_until_it_ends(
    workspace: Workspace, clock: SetClock, noun: str
) -> None:
    admin = workspace.org.admin
    other = await admin.make("createEnvironment", projectId=workspace.project_id, key="test", name="Test")
    assert await open_on(workspace, noun) == 0
    first = await propose(workspace, noun)
    await propose(workspace, noun, admin, expiresInSeconds=60)
    assert (await open_on(workspace, noun), await open_on(workspace, noun, other["id"])) == (2, 0)
    delete = await propose_delete(workspace, noun)
    assert (await open_on(workspace, noun), await open_on(workspace, noun, other["id"])) == (3, 1)
    clock.ahead = timedelta(seconds=61)
    assert await open_on(workspace, noun) == 2
    await admin.make("cancelProposal", proposalId=delete)
    assert (await open_on(workspace, noun), await open_on(workspace, noun, other["id"])) == (1, 0)
    await admin.make("applyProposal", proposalId=first)
    assert await open_on(workspace, noun) == 0


@every_kind
async def test_whoever_sees_the_state_knows_what_waits_for_it(
    instance: Instance, workspace: Workspace, noun: str
) -> None:
    await propose(workspace, noun)
    await propose_delete(workspace, noun)
    scope = {"environments": {"envs": [workspace.environment_id]}, "resources": [CHANGES[noun][0]]}
    assert await open_on(workspace, noun, by=await instance.token(workspace.org, level="observer", **scope)) == 2


@every_kind
async def test_a_write_tells_what_waits_still(workspace: Workspace, noun: str) -> None:
    await propose(workspace, noun)
    key, _, diff = CHANGES[noun]
    written = await workspace.org.admin.do(
        f"update{noun.capitalize()}State", environmentId=workspace.environment_id, key=key, **diff
    )
    assert written.unwrap()["openProposals"] == 1
    assert written.etag == (await workspace.org.admin.do(f"{noun}State", **_at(workspace, noun))).etag


@every_kind
async def test_a_proposal_made_meanwhile_is_in_no_writers_way(workspace: Workspace, noun: str) -> None:
    at, update = _at(workspace, noun), f"update{noun.capitalize()}State"
    tag = (await workspace.org.admin.do(f"{noun}State", **at)).etag
    await propose(workspace, noun)
    written = await workspace.org.admin.do(update, **at, **CHANGES[noun][2], if_match=tag)
    assert written.unwrap()["openProposals"] == 1
    stale = await workspace.org.admin.do(update, **at, **CHANGES[noun][2], if_match=tag)
    assert stale.code == "precondition_failed"


@every_kind
async def test_a_reader_who_has_the_state_is_told_of_a_new_proposal(
    instance: Instance, workspace: Workspace, noun: str
) -> None:
    if instance.transport == "graphql":
        pytest.skip("REST answers 304")
    client, key = workspace.org.viewer.client, CHANGES[noun][0]
    for path in (f"/api/v1/envs/{workspace.environment_id}/{noun}s{rest}" for rest in (f"/{key}", "")):
        tag = (await client.get(path)).headers["etag"]
        assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304
        proposal = await propose(workspace, noun)
        again = await client.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.headers["etag"] != tag) == (200, True)
        assert (await client.get(path, headers={"If-None-Match": again.headers["etag"]})).status_code == 304
        await workspace.org.admin.make("cancelProposal", proposalId=proposal)
        assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304


@every_kind
async def test_lists_of_states_have_those_that_proposals_wait_for(
    instance: Instance, workspace: Workspace, clock: SetClock, noun: str
) -> None:
    key = CHANGES[noun][0]
    others = [one for one in ("checkout", "banner") if one != key] if noun == "flag" else []

    async def keys(environment_id: str, *, waited_for: bool, **more: Any) -> list[str]:
        asked = {"environmentId": environment_id, "hasOpenProposal": _word(instance, waited_for), **more}
        return [one["key"] for one in await workspace.org.viewer.make(f"{noun}States", **asked)]

    here = workspace.environment_id
    there = (
        await workspace.org.admin.make("createEnvironment", projectId=workspace.project_id, key="test", name="Test")
    )["id"]
    await workspace.org.admin.make("cancelProposal", proposalId=workspace.proposal_id)
    assert await keys(here, waited_for=True) == []
    await propose(workspace, noun, expiresInSeconds=60)
    assert (await keys(here, waited_for=True), await keys(here, waited_for=False)) == ([key], others)
    assert await keys(there, waited_for=True) == []
    assert sorted(await keys(there, waited_for=False)) == sorted([key, *others])
    assert await keys(here, waited_for=True, sort="-updated", prefix=key[:2]) == [key]
    clock.ahead = timedelta(seconds=61)
    assert await keys(here, waited_for=True) == []
    await propose_delete(workspace, noun)
    for environment_id in (here, there):
        assert await keys(environment_id, waited_for=True) == [key]
        assert await keys(environment_id, waited_for=False) == others


async def test_whether_a_proposal_waits_is_true_or_false(instance: Instance, workspace: Workspace) -> None:
    if instance.transport == "graphql":
        pytest.skip("GraphQL's own type")
    for bad in ("yes", "1", "True", ""):
        reply = await workspace.org.viewer.do("flagStates", environmentId=workspace.environment_id, hasOpenProposal=bad)
        assert (reply.code, [*reply.fields]) == ("invalid_request", ["?hasOpenProposal"]), bad


def _word(instance: Instance, value: bool) -> Any:
    return value if instance.transport == "graphql" else str(value).lower()


def _at(workspace: Workspace, noun: str) -> dict[str, str]:
    return {"environmentId": workspace.environment_id, "key": CHANGES[noun][0]}
