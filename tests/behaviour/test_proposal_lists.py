"""Lists of proposals: of an environment, of a project, and of all that the caller sees, newest first."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.models import ProposalContent
from tests.clients import Api
from tests.clock import SetClock
from tests.factories import Instance, Workspace

LISTS: dict[str, Callable[[Workspace], dict[str, Any]]] = {
    "proposals": lambda _: {},
    "projectProposals": lambda workspace: {"projectId": workspace.project_id},
    "environmentProposals": lambda workspace: {"environmentId": workspace.environment_id},
}
every_list = pytest.mark.parametrize("name", LISTS)


async def propose(workspace: Workspace, value: int, environment_id: str | None = None, **more: Any) -> str:
    """A new proposal by the editor to change the config, the same for the same value."""
    change = {"kind": "set_default_value_config", "resourceKey": "limits", "diff": {"defaultValue": value}}
    at = {"envId": environment_id or workspace.environment_id}
    return str((await workspace.org.editor.make("createProposal", **at, **change, **more))["id"])


async def propose_delete(workspace: Workspace, key: str = "checkout") -> str:
    change = {"projectId": workspace.project_id, "kind": "delete_flag", "resourceKey": key, "diff": {}}
    return str((await workspace.org.editor.make("createProposal", **change))["id"])


async def second_environment(workspace: Workspace) -> str:
    new = {"projectId": workspace.project_id, "key": "test", "name": "Test"}
    return str((await workspace.org.admin.make("createEnvironment", **new))["id"])


async def listed(caller: Api, name: str, **asked: Any) -> list[str]:
    return [one["id"] for one in await caller.make(name, **asked)]


@every_list
async def test_the_newest_comes_first_in_parts_too(workspace: Workspace, name: str) -> None:
    parent, viewer = LISTS[name](workspace), workspace.org.viewer
    made = [workspace.proposal_id, *[await propose(workspace, value) for value in (1, 2, 3)]]
    newest_first = [await propose_delete(workspace), *reversed(made)]
    assert await listed(viewer, name, **parent) == newest_first
    found, cursor = [], None
    while True:
        reply = await viewer.do(name, limit=2, **parent, **({"cursor": cursor} if cursor else {}))
        found += [one["id"] for one in reply.unwrap()]
        if cursor is None:  # what is made meanwhile is before the first, and so in no later part
            await propose(workspace, 4)
        if (cursor := reply.next) is None:
            break
    assert found == newest_first


@every_list
async def test_of_the_statuses_asked_for(workspace: Workspace, clock: SetClock, name: str) -> None:
    parent, viewer, admin = LISTS[name](workspace), workspace.org.viewer, workspace.org.admin
    await admin.make("cancelProposal", proposalId=workspace.proposal_id)
    expiring, applied, pending = [
        await propose(workspace, value, **more) for value, more in ((1, {"expiresInSeconds": 60}), (2, {}), (3, {}))
    ]
    assert await listed(viewer, name, **parent, status=["pending"]) == [pending, applied, expiring]
    await admin.make("applyProposal", proposalId=applied)
    clock.ahead = timedelta(seconds=61)
    by_status = {"pending": pending, "applied": applied, "expired": expiring, "cancelled": workspace.proposal_id}
    for status, one in by_status.items():
        assert await listed(viewer, name, **parent, status=[status]) == [one]
    assert await listed(viewer, name, **parent, status=["expired", "pending"]) == [pending, expiring]
    assert await listed(viewer, name, **parent, status=["applied", "cancelled", "applied"]) == [
        applied,
        workspace.proposal_id,
    ]
    assert len(await listed(viewer, name, **parent)) == 4


@every_list
@pytest.mark.raises_codes("invalid_request")
async def test_an_unknown_status_is_a_fault(instance: Instance, workspace: Workspace, name: str) -> None:
    reply = await workspace.org.viewer.do(name, **LISTS[name](workspace), status=["pending", "open"])
    assert (reply.code, reply.status) == ("invalid_request", 400)
    # In a variable, GraphQL refuses it by the variable's type.
    assert [*reply.fields] == (["?status.1"] if instance.transport == "rest" else ["variables.status.1"])


@every_list
@pytest.mark.raises_codes("invalid_request")
async def test_a_cursor_is_good_for_its_own_list_and_statuses_alone(
    instance: Instance, workspace: Workspace, name: str
) -> None:
    parent, viewer = LISTS[name](workspace), workspace.org.viewer
    await propose(workspace, 1)
    cursor = (await viewer.do(name, limit=1, **parent, status=["pending", "applied"])).next
    assert await listed(viewer, name, **parent, status=["applied", "pending"], cursor=cursor) == [workspace.proposal_id]
    others = [
        (other, {**LISTS[other](workspace), "status": ["pending", "applied"]}) for other in LISTS if other != name
    ]
    for other, asked in [*others, (name, parent), (name, {**parent, "status": ["pending"]})]:
        reply = await viewer.do(other, **asked, cursor=cursor)
        place = "?cursor" if instance.transport == "rest" else "after"
        assert (reply.code, [*reply.fields]) == ("invalid_request", [place]), other


async def test_an_environments_list_has_the_deletes_of_its_project(workspace: Workspace) -> None:
    viewer, other = workspace.org.viewer, await second_environment(workspace)
    here, there, delete = (
        await propose(workspace, 1),
        await propose(workspace, 1, other),
        await propose_delete(workspace),
    )
    here_too = [delete, here, workspace.proposal_id]
    assert await listed(viewer, "environmentProposals", environmentId=workspace.environment_id) == here_too
    assert await listed(viewer, "environmentProposals", environmentId=other) == [delete, there]
    everything = [delete, there, here, workspace.proposal_id]
    assert await listed(viewer, "projectProposals", projectId=workspace.project_id) == everything


async def test_whoever_is_in_two_organisations_has_the_proposals_of_both(
    instance: Instance, workspace: Workspace
) -> None:
    owner = workspace.org.owner
    second = await owner.make("createOrg", slug="second", name="Second")
    project = await owner.make("createProject", orgSlug=second["slug"], key="app", name="App")
    environment = await owner.make("createEnvironment", projectId=project["id"], key="prod", name="Production")
    await owner.make("createFlag", projectId=project["id"], key="new", type="boolean", defaultValue=False)
    change = {"kind": "set_default_value_flag", "resourceKey": "new", "diff": {"defaultValue": True}}
    there = (await owner.make("createProposal", envId=environment["id"], **change))["id"]
    here = await propose(workspace, 1)
    assert await listed(owner, "proposals") == [here, there, workspace.proposal_id]
    assert await listed(workspace.org.viewer, "proposals") == [here, workspace.proposal_id]
    assert await listed((await instance.org("third")).owner, "proposals") == []


async def test_a_token_has_those_of_its_environments_and_resources(instance: Instance, workspace: Workspace) -> None:
    org, other = workspace.org, await second_environment(workspace)
    here, there, delete = (
        await propose(workspace, 1),
        await propose(workspace, 1, other),
        await propose_delete(workspace),
    )
    for asked, expected in (
        ({"environments": {"envs": [other]}}, [delete, there]),
        ({"environments": {"projects": [workspace.project_id]}}, [delete, there, here, workspace.proposal_id]),
        ({"resources": ["limits"]}, [there, here]),
        ({"resources": ["flag:*"]}, [delete, workspace.proposal_id]),
        ({"resources": ["check.*", "flag:banner", "config:banner"]}, [workspace.proposal_id]),
        ({"resources": ["limits"], "environments": {"envs": [other]}}, [there]),
    ):
        token = await instance.token(org, level="observer", **asked)
        assert await listed(token, "proposals") == expected, asked
        assert await listed(token, "projectProposals", projectId=workspace.project_id) == expected, asked
        single = await token.make("environmentProposals", environmentId=other)
        assert [one["id"] for one in single] == [one for one in expected if one in {delete, there}], asked
        for one in (here, there, delete, workspace.proposal_id):  # each alone is seen by whoever has it in a list
            assert ((await token.do("proposal", proposalId=one)).code is None) == (one in expected), asked


@pytest.mark.raises_codes("token_action_denied", "token_env_out_of_scope")
async def test_who_has_no_list(instance: Instance, workspace: Workspace) -> None:
    blind = await instance.token(workspace.org, level="client")
    for name, parent in LISTS.items():
        assert (await blind.do(name, **parent(workspace))).code == "token_action_denied", name
    elsewhere = await instance.token(
        workspace.org, level="observer", environments={"envs": [await second_environment(workspace)]}
    )
    reply = await elsewhere.do("environmentProposals", environmentId=workspace.environment_id)
    assert reply.code == "token_env_out_of_scope"


async def test_a_page_ends_before_it_is_too_long(instance: Instance, workspace: Workspace) -> None:
    if instance.transport == "graphql":
        pytest.skip("GraphQL reckons by what a document selects")
    made = [workspace.proposal_id, *[await propose(workspace, value) for value in range(3)]]
    await instance.execute(update(ProposalContent).values(size=3 * 1024 * 1024))  # of 8 MiB that a page may have
    for name, parent in LISTS.items():
        first = await workspace.org.viewer.do(name, **parent(workspace))
        second = await workspace.org.viewer.do(name, **parent(workspace), cursor=first.next)
        pages = [[one["id"] for one in page.unwrap()] for page in (first, second)]
        assert (pages, second.next) == ([made[:1:-1], made[1::-1]], None), name
    await instance.execute(update(ProposalContent).values(size=9 * 1024 * 1024))
    alone = await workspace.org.viewer.do("proposals")
    assert [one["id"] for one in alone.unwrap()] == made[:-2:-1]
    assert alone.next is not None
