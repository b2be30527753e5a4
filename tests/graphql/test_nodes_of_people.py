"""`node` of members, invitations and sessions: for those who may list them. And what they may do with them."""

from typing import Any

import pytest

from app.domain.actors import Role
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask
from tests.graphql.test_nodes import node
from tests.graphql.test_viewer_can import ABILITIES, told


async def ids(workspace: Workspace) -> dict[str, Any]:
    (member,) = [
        one for one in await workspace.org.viewer.make("members", orgSlug=workspace.org.slug) if one["role"] == "admin"
    ]
    (session,) = await workspace.org.admin.make("sessions")
    return {"Member": member["id"], "Invitation": workspace.invitation_id, "Session": session["id"]}


async def test_who_may_list_them_finds_them(workspace: Workspace) -> None:
    for name, one in (await ids(workspace)).items():
        assert await node(workspace.org.admin, one) == {"__typename": name, "id": one}


async def test_a_token_that_reads_the_organisation_finds_its_members_only(
    instance: Instance, workspace: Workspace
) -> None:
    caller = await instance.token(workspace.org, level="observer")
    narrow = await instance.token(workspace.org, level="observer", resources=["payments.*"])
    for name, one in (await ids(workspace)).items():
        assert (await node(caller, one) is not None) == (name == "Member"), name
        assert await node(narrow, one) is None


async def test_who_may_not_finds_null(workspace: Workspace) -> None:
    found = await ids(workspace)
    assert await node(workspace.org.viewer, found["Member"]) is not None
    assert await node(workspace.org.viewer, found["Invitation"]) is None
    assert await node(workspace.org.owner, found["Session"]) is None


MEMBERS = f'{{ members(orgSlug: "acme") {{ nodes {{ userId {ABILITIES} }} }} }}'


@pytest.mark.parametrize("role", Role)
async def test_viewer_can_of_members_is_what_is_then_answered(
    instance: Instance, workspace: Workspace, role: Role
) -> None:
    caller = workspace.org.of(role)
    me = (await caller.make("me"))["actor"]["id"]
    members = (await ask(caller.client, MEMBERS))["data"]["members"]["nodes"]
    reported = {one["userId"]: told(one) for one in members}
    own = reported.pop(me)
    assert sorted([*own.can, *own.cannot]) == ["change_role", "leave_org"]
    assert "leave_org" in own.can
    for user, of_other in reported.items():
        assert sorted([*of_other.can, *of_other.cannot]) == ["change_role", "remove_member"]
        where = {"orgSlug": workspace.org.slug, "userId": user}
        (present,) = [one for one in await caller.make("members", orgSlug=workspace.org.slug) if one["userId"] == user]
        for operation, name, given in (
            ("change_role", "updateMember", {"role": present["role"]}),
            ("remove_member", "removeMember", {}),
        ):
            reply = await caller.do(name, **where, **given)
            why_not = None if reply.code is None else (reply.code, reply.message)
            assert of_other.cannot.get(operation) == why_not, name


async def test_viewer_can_of_what_admins_see(instance: Instance, workspace: Workspace) -> None:
    minted = await instance.minted(workspace.org)
    invited = workspace.invitation_id
    told_of_both = f"... on ApiKey {{ {ABILITIES} }} ... on Invitation {{ {ABILITIES} }}"
    document = f"query ($id: ID!) {{ node(id: $id) {{ {told_of_both} }} }}"
    for one, expected in ((minted["id"], "MANAGE_TOKENS"), (invited, "MANAGE_INVITATIONS")):
        answer = await ask(workspace.org.admin.client, document, {"id": one})
        assert answer["data"] == {"node": {"viewerCan": [expected], "viewerCannot": []}}
        assert (await ask(workspace.org.editor.client, document, {"id": one}))["data"] == {"node": None}
