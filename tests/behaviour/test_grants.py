"""What a person has granted ends with their power to grant it."""

from typing import Any

import pytest

from app.domain.actors import Role
from app.domain.policy import TABLE as POLICY
from app.rest.app import TABLE
from app.services import users
from tests.clients import Api
from tests.factories import Instance, Workspace

ADMIN = "acme-admin@example.com"

# All that an admin can make, and what becomes of it when they cannot make it any more. Whatever is added to the product
# must be added here: ends, or stays because it is the organisation's and gives nobody what they have no role for.
MADE = {
    "createInvitation": "ends",
    "createApiKey": "stays: a token is the organisation's, and a removal names and revokes them",
    "createOrg": "stays: it is theirs, with a role of its own",
    "createStreamTicket": "ends: it is good for a minute, and opens what its maker may read then",
    "createProject": "stays",
    "createEnvironment": "stays",
    "createFlag": "stays",
    "createConfig": "stays",
    "createSegment": "stays",
    "createProposal": "stays: it changes nothing until somebody applies it who may",
    "reviewProposal": "ends: it counts while they could say it, which the tests of approvals hold",
}
PUBLIC = {"installClaim"}

# How an admin loses the power, and the highest role that they can give to others from then on.
ROADS: dict[str, Role | None] = {"demoted": None, "removed": None, "left": None, "deleted": None, "purged": None}


async def lose(instance: Instance, workspace: Workspace, road: str) -> Any:
    org = workspace.org
    admin = {"orgSlug": org.slug, "userId": (await org.admin.make("me"))["actor"]["id"]}
    match road:
        case "demoted":
            return await org.owner.make("updateMember", **admin, role="editor")
        case "removed":
            return await org.owner.make("removeMember", **admin, reason="Gone.")
        case "left":
            return await org.admin.make("removeMember", **admin)
        case "deleted":
            return await org.admin.make("deleteMe", confirm=ADMIN)
    async with instance.node.unit("req_test") as uow:
        return await users.purge(uow, ADMIN)


async def invite(workspace: Workspace, by: Api, email: str, role: str) -> dict[str, Any]:
    made: dict[str, Any] = await by.make("createInvitation", orgSlug=workspace.org.slug, email=email, role=role)
    return made


async def works(instance: Instance, made: dict[str, Any]) -> bool:
    reply = await instance.anonymous().do("acceptInvitation", token=made["acceptUrl"].rpartition("/")[2])
    assert reply.code in {None, "not_found"}
    return reply.code is None


def test_all_that_an_admin_can_make_is_looked_at() -> None:
    making = {endpoint.name for endpoint in TABLE if endpoint.status == 201} - PUBLIC
    rows = {endpoint.name: endpoint.operation for endpoint in TABLE}
    assert making == set(MADE)
    assert all((row := rows[one]) is not None and POLICY[row].role is not Role.OWNER for one in making)


@pytest.mark.parametrize("road", ROADS)
async def test_an_invitation_ends_with_the_power_of_who_made_it(
    instance: Instance, workspace: Workspace, road: str
) -> None:
    org = workspace.org
    with instance.mail_held():
        made = [
            await invite(workspace, org.admin, f"{role}@example.com", role) for role in ("viewer", "editor", "admin")
        ]
        others = await invite(workspace, org.owner, "owners@example.com", "admin")
        lost = await lose(instance, workspace, road)
    if road in {"removed", "left"}:
        assert lost["invitations"] == [{"id": one["id"], "email": one["email"], "role": one["role"]} for one in made]
    assert [await works(instance, one) for one in made] == [False] * 3
    assert await works(instance, others), "what somebody else granted stays"
    ended = [event for event in await instance.audited() if event.resource_id in {one["id"] for one in made}]
    assert [event.action for event in ended] == ["manage_invitations"] * 6
    if road == "removed":
        assert {event.reason for event in ended[3:]} == {"Gone."}
        assert {event.actor["name"] for event in ended[3:]} == {"acme-owner"}


async def test_a_lower_role_keeps_what_it_could_grant_itself(instance: Instance, workspace: Workspace) -> None:
    org = workspace.org
    admin = {"orgSlug": org.slug, "userId": (await org.admin.make("me"))["actor"]["id"]}
    await org.owner.make("updateMember", **admin, role="owner")
    made = {role: await invite(workspace, org.admin, f"{role}@example.com", role) for role in ("owner", "admin")}
    await org.owner.make("updateMember", **admin, role="owner")
    assert len(await org.owner.make("invitations", orgSlug=org.slug)) == 3
    await org.owner.make("updateMember", **admin, role="admin")
    assert not await works(instance, made["owner"])
    assert await works(instance, made["admin"])


async def test_who_was_removed_comes_back_by_no_road_of_their_own(instance: Instance, workspace: Workspace) -> None:
    """Neither by an invitation to themselves, nor by that of a second account that they made and lost."""
    org = workspace.org
    made = await invite(workspace, org.admin, "second@example.com", "admin")
    second = instance.anonymous()
    await second.make("acceptInvitation", token=made["acceptUrl"].rpartition("/")[2])
    reply = await second.do("createInvitation", orgSlug=org.slug, email="third@example.com", role="admin")
    assert reply.code == "forbidden", "nobody has shown that it is not the admin again"
    await lose(instance, workspace, "removed")
    who = {"orgSlug": org.slug, "userId": (await second.make("me"))["actor"]["id"]}
    await org.owner.make("removeMember", **who)
    for caller in (org.admin, second):
        assert (await caller.do("org", slug=org.slug)).code == "not_found"
