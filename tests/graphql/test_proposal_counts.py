"""How many proposals wait: in a project, for the caller to see, and for the caller's word."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from app.domain.actors import Role
from app.models import Membership, User
from app.models import Org as OrgRow
from tests.clients import Api
from tests.clock import SetClock, now
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask
from tests.graphql.statements import statements

on_both = pytest.mark.parametrize("engine", ["sqlite", "postgres"])
ME = "{ me { openProposals proposalsToReview } proposals(status: PENDING) { totalCount } }"
PROJECT = "query ($id: ID!) { project(id: $id) { openProposals proposals(status: PENDING) { totalCount } } }"


async def propose(workspace: Workspace, by: Api, value: int, **more: Any) -> str:
    diff = {"defaultValue": value}
    change = {"kind": "set_default_value_config", "resourceKey": "limits", "diff": diff}
    at = {"envId": workspace.environment_id}
    return str((await by.make("createProposal", **at, **change, **more))["id"])


async def propose_delete(workspace: Workspace, by: Api, key: str) -> str:
    change = {"projectId": workspace.project_id, "kind": "delete_flag", "resourceKey": key, "diff": {}}
    return str((await by.make("createProposal", **change))["id"])


async def of_me(caller: Api) -> tuple[int | None, int | None]:
    """Those that the caller sees, which are as many as the list has, and those that wait for the caller."""
    data = (await ask(caller.client, ME))["data"]
    if data["proposals"] is not None:
        assert data["proposals"]["totalCount"] == data["me"]["openProposals"]
    return data["me"]["openProposals"], data["me"]["proposalsToReview"]


async def of_project(caller: Api, project_id: str) -> int:
    project = (await ask(caller.client, PROJECT, {"id": project_id}))["data"]["project"]
    assert project["proposals"]["totalCount"] == project["openProposals"]
    return int(project["openProposals"])


async def join(instance: Instance, person: Api, slug: str, role: Role) -> None:
    """Makes somebody a member of one more organisation."""
    user_id = (await person.make("me"))["actor"]["id"]
    async with instance.node.database.writing() as session:
        org = (await session.execute(select(OrgRow).where(col(OrgRow.slug) == slug))).scalar_one()
        dated = {"created_at": now(), "updated_at": now()}
        session.add(Membership(org_id=org.id, user_id=user_id, role=role, **dated))
        await session.commit()


@on_both
async def test_a_project_has_as_many_as_the_caller_sees(
    instance: Instance, workspace: Workspace, clock: SetClock
) -> None:
    org, editor, project = workspace.org, workspace.org.editor, workspace.project_id
    new = await org.admin.make("createEnvironment", projectId=project, key="test", name="Test")
    await propose(workspace, editor, 1)
    await propose(workspace, editor, 2, expiresInSeconds=60)
    await propose_delete(workspace, editor, "checkout")
    elsewhere = await instance.token(org, level="observer", environments={"envs": [new["id"]]})
    of_some = await instance.token(org, level="observer", resources=["flag:*"])
    assert await of_project(org.viewer, project) == 4  # with the workspace's own
    assert await of_project(elsewhere, project) == 1  # the delete
    assert await of_project(of_some, project) == 2
    clock.ahead = timedelta(seconds=61)
    assert await of_project(org.viewer, project) == 3
    await org.admin.make("applyProposal", proposalId=workspace.proposal_id)
    assert await of_project(org.viewer, project) == 2


@on_both
async def test_of_all_organisations_those_that_one_sees(instance: Instance, workspace: Workspace) -> None:
    other = await instance.workspace(await instance.org("other"))
    viewer = workspace.org.viewer
    assert await of_me(viewer) == (1, 0)
    await join(instance, viewer, "other", Role.VIEWER)
    await propose(other, other.org.editor, 1)
    assert await of_me(viewer) == (3, 0)
    assert await of_me(workspace.org.owner) == (1, 1)
    _, stranger = await instance.person("stranger")
    assert await of_me(stranger) == (0, 0)


@on_both
async def test_those_that_wait_for_ones_word(instance: Instance, workspace: Workspace, clock: SetClock) -> None:
    org, editor = workspace.org, workspace.org.editor
    other = await instance.workspace(await instance.org("other"))
    await join(instance, editor, "other", Role.VIEWER)
    assert await of_me(editor) == (2, 1)
    await propose(workspace, editor, 1)
    token = await instance.token(org)
    minted_by_admin = await propose(workspace, token, 2)
    assert (await of_me(editor), await of_me(org.admin)) == ((4, 2), (3, 2))
    await editor.make("reviewProposal", proposalId=minted_by_admin, verdict="request_changes")
    assert await of_me(editor) == (4, 1)
    await propose(workspace, org.owner, 3, expiresInSeconds=60)
    assert await of_me(editor) == (5, 2)
    clock.ahead = timedelta(seconds=61)
    assert await of_me(editor) == (4, 1)
    await join(instance, org.admin, "other", Role.EDITOR)
    assert await of_me(org.admin) == (4, 3)
    await other.org.owner.make("cancelProposal", proposalId=other.proposal_id)
    assert await of_me(org.admin) == (3, 2)


async def test_nothing_waits_for_who_has_no_word(instance: Instance, workspace: Workspace) -> None:
    assert await of_me(await instance.token(workspace.org, level="observer")) == (1, None)
    assert await of_me(await instance.token(workspace.org, level="client")) == (None, None)
    assert await of_me(workspace.org.viewer) == (1, 0)
    await instance.execute(update(User).values(email_verified_at=None))
    assert await of_me(workspace.org.owner) == (1, 0)


async def test_many_are_counted_at_once(instance: Instance, workspace: Workspace) -> None:
    document = """{ a: me { openProposals proposalsToReview } b: me { openProposals proposalsToReview }
        org(slug: "acme") { projects(first: 9) { nodes { openProposals environments(first: 9) { nodes {
        states(hasOpenProposal: true, first: 9) { nodes { openProposals } } } } } } } }"""

    async def asked() -> tuple[int, list[int]]:
        await ask(workspace.org.viewer.client, "{ __typename }")  # after which the session is known
        with statements() as run:
            answer = await ask(workspace.org.viewer.client, document)
        assert answer["data"]["a"] == answer["data"]["b"]
        projects = answer["data"]["org"]["projects"]["nodes"]
        on_states = [
            state["openProposals"]
            for project in projects
            for environment in project["environments"]["nodes"]
            for state in environment["states"]["nodes"]
        ]
        return len(run), [*(project["openProposals"] for project in projects), *on_states]

    few = await asked()
    assert few[1] == [1, 1]
    other = await instance.workspace(workspace.org, "app")
    await propose(other, workspace.org.editor, 1)
    await propose_delete(other, workspace.org.editor, "banner")
    assert await asked() == (few[0], [1, 3, 1, 1, 2])
