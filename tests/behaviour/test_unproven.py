"""Who came by an invitation's link may be whoever made it: until a mailed link proves the mailbox, they do what the
invitation was for, and nothing that outlives them."""

from typing import Any

import pytest

from app.domain.actors import Role
from tests.clients import Api
from tests.factories import Instance, Org, Workspace

BOB = "bob@example.com"


async def came_by_link(instance: Instance, org: Org, role: Role) -> Api:
    """Whoever held the link of an invitation to Bob."""
    by = org.owner if role is Role.OWNER else org.admin
    made = await by.make("createInvitation", orgSlug=org.slug, email=BOB, role=role.value)
    bob = instance.anonymous()
    await bob.make("acceptInvitation", token=made["acceptUrl"].rpartition("/")[2], displayName="Bob")
    await instance.mails()
    return bob


async def proved(instance: Instance) -> Api:
    """Bob, by the link that was mailed to him."""
    await instance.anonymous().make("requestMagicLink", email=BOB)
    bob = instance.anonymous()
    await bob.make("redeemLink", token=(await instance.mail(BOB)).secret)
    return bob


async def outliving(workspace: Workspace) -> list[tuple[str, dict[str, Any]]]:
    """What an owner may do that would outlive them."""
    org, scope = workspace.org.slug, {"environments": {"org": True}, "resources": ["*"]}
    return [
        ("createOrg", {"slug": "bobs", "name": "Bob's"}),
        ("createInvitation", {"orgSlug": org, "email": "eve@example.com", "role": "owner"}),
        ("createApiKey", {"orgSlug": org, "name": "kept", "level": "admin", **scope}),
        ("renewApiKey", {**workspace.key_of_api, "expiresInSeconds": None}),
        ("updateMember", {**workspace.guest, "role": "owner"}),
        ("reviewProposal", {"proposalId": workspace.proposal_id, "verdict": "approve"}),
        ("applyProposal", {"proposalId": workspace.proposal_id}),
    ]


@pytest.mark.raises_codes("forbidden")
async def test_until_the_mailbox_is_proven_nothing_is_done_that_outlives_it(
    instance: Instance, workspace: Workspace
) -> None:
    bob = await came_by_link(instance, workspace.org, Role.OWNER)
    asked = await outliving(workspace)
    async with instance.unchanged():
        for operation, given in asked:
            reply = await bob.do(operation, **given)
            assert (reply.code, reply.status) == ("forbidden", 403), operation
            assert "sign-in link" in reply.message, operation
    bob = await proved(instance)
    for operation, given in asked:
        await bob.make(operation, **given)


async def test_until_then_one_does_what_the_invitation_was_for(instance: Instance, workspace: Workspace) -> None:
    bob = await came_by_link(instance, workspace.org, Role.ADMIN)
    await bob.make("killFlag", **workspace.checkout)
    await bob.make("updateOrg", slug=workspace.org.slug, name="By Bob")
    await bob.make("createProject", orgSlug=workspace.org.slug, key="bobs", name="Bob's")
    by_bob = [event.actor for event in await instance.audited() if event.actor["name"] == "Bob"]
    assert len(by_bob) >= 4
    assert all(actor.get("unproven") is True for actor in by_bob), "the audit says that it may not have been Bob"
    bob = await proved(instance)
    await bob.make("updateOrg", slug=workspace.org.slug, name="By the real Bob")
    assert "unproven" not in (await instance.audited())[-1].actor
    assert "unproven" not in (await bob.make("me"))["actor"]


async def test_a_role_that_is_too_low_is_told_before_the_mailbox(instance: Instance, org: Org) -> None:
    bob = await came_by_link(instance, org, Role.EDITOR)
    reply = await bob.do("createInvitation", orgSlug=org.slug, email="eve@example.com", role="viewer")
    assert reply.code == "insufficient_role"


async def test_who_claimed_the_instance_counts_as_proven(instance: Instance) -> None:
    owner = instance.anonymous()
    claim = {"email": BOB, "orgName": "Acme", "orgSlug": "acme", "claimCode": "claim-code-of-the-tests"}
    await owner.make("installClaim", **claim)
    await owner.make("createOrg", slug="second", name="Second")


async def test_a_link_that_the_operator_printed_proves_nothing(instance: Instance, org: Org) -> None:
    bob = await came_by_link(instance, org, Role.VIEWER)
    (user,) = [row for row in (await instance.rows())["user"] if BOB in row]
    printed = await instance.operators_link(BOB)
    handed = instance.anonymous()
    await handed.make("redeemLink", token=printed)
    assert user in (await instance.rows())["user"]
    await bob.make("me")
    assert (await handed.do("createOrg", slug="bobs", name="Bob's")).code == "forbidden"


@pytest.mark.raises_codes("magic_link_invalid")
async def test_the_operators_link_of_a_user_who_is_gone_makes_no_user(instance: Instance, org: Org) -> None:
    bob = await came_by_link(instance, org, Role.VIEWER)
    printed = await instance.operators_link(BOB)
    await bob.make("deleteMe", confirm=BOB)
    await org.admin.make("createInvitation", orgSlug=org.slug, email=BOB, role="admin")
    await instance.mails()
    async with instance.unchanged():
        assert (await instance.anonymous().do("redeemLink", token=printed)).code == "magic_link_invalid"
