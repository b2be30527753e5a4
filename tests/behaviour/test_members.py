"""Members: listed, given other roles, removed, leaving; and always an owner left."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from app.domain.actors import Role
from app.models import User
from tests.clients import Api, Reply
from tests.clock import now
from tests.factories import Instance, Org, Workspace

LAST_OWNER = ("last_owner_cannot_demote_or_remove", 409)


async def members_of(org: Org) -> dict[str, dict[str, Any]]:
    """By the local part of their email, without the organisation's slug."""
    found = await org.viewer.make("members", orgSlug=org.slug)
    return {member["email"].partition("@")[0].removeprefix(f"{org.slug}-"): member for member in found}


async def named(org: Org, role: Role) -> dict[str, Any]:
    return {"orgSlug": org.slug, "userId": (await members_of(org))[role.value]["userId"]}


async def promoted(org: Org, role: Role) -> dict[str, Any]:
    """Somebody, made an owner beside the first one."""
    who = await named(org, role)
    await org.owner.make("updateMember", **who, role="owner")
    return who


async def test_members_are_listed_in_the_order_of_their_joining(org: Org) -> None:
    found = await org.viewer.make("members", orgSlug=org.slug)
    assert [(one["email"], one["displayName"], one["role"]) for one in found] == [
        (f"acme-{role}@example.com", f"acme-{role}", role) for role in ("owner", "admin", "editor", "viewer")
    ]
    assert all(one["createdAt"] <= one["updatedAt"] for one in found)


async def test_the_list_of_members_has_pages(org: Org) -> None:
    first = await org.viewer.do("members", orgSlug=org.slug, limit=3)
    rest = await org.viewer.do("members", orgSlug=org.slug, limit=3, cursor=first.next)
    assert [len(reply.unwrap()) for reply in (first, rest)] == [3, 1]
    assert rest.next is None


async def test_a_role_is_changed_and_counts_at_once(instance: Instance, org: Org) -> None:
    viewer = await named(org, Role.VIEWER)
    changed = await org.owner.make("updateMember", **viewer, role="admin")
    assert changed["role"] == "admin"
    assert changed["updatedAt"] > changed["createdAt"]
    await org.viewer.make("updateOrg", slug=org.slug, name="By the new admin")
    await org.owner.make("updateMember", **viewer, role="viewer")
    assert (await org.viewer.do("updateOrg", slug=org.slug, name="Not any more")).code == "insufficient_role"
    event = (await instance.audited())[-1]
    assert (event.action, event.resource_type, event.resource_id) == ("change_role", "member", viewer["userId"])
    assert (event.previous_value, event.new_value) == ('{"role":"admin"}', '{"role":"viewer"}')


async def test_the_same_role_changes_nothing(instance: Instance, org: Org) -> None:
    for role in Role:
        who = await named(org, role)
        async with instance.unchanged():
            reply = await org.owner.do("updateMember", **who, role=role.value)
            assert reply.unwrap()["role"] == role.value


@pytest.mark.raises_codes("precondition_failed")
async def test_a_role_is_changed_on_a_condition(instance: Instance, org: Org) -> None:
    viewer = await named(org, Role.VIEWER)
    reply = await org.owner.do("updateMember", **viewer, role="editor")
    async with instance.unchanged():
        for operation, body in (("updateMember", {"role": "admin"}), ("removeMember", {})):
            refused = await org.owner.do(operation, if_match='"stale.0"', **viewer, **body)
            assert (refused.code, refused.status) == ("precondition_failed", 412)
    await org.owner.make("updateMember", if_match=reply.etag, **viewer, role="viewer")


@pytest.mark.raises_codes("invalid_request")
async def test_a_role_is_one_of_four(instance: Instance, org: Org) -> None:
    viewer = await named(org, Role.VIEWER)
    async with instance.unchanged():
        assert (await org.owner.do("updateMember", **viewer, role="king")).code == "invalid_request"


@pytest.mark.raises_codes("last_owner_cannot_demote_or_remove")
async def test_the_last_owner_stays(instance: Instance, org: Org) -> None:
    owner = await named(org, Role.OWNER)
    async with instance.unchanged():
        for operation, body in (("updateMember", {"role": "admin"}), ("removeMember", {})):
            reply = await org.owner.do(operation, **owner, **body)
            assert (reply.code, reply.status) == LAST_OWNER
        reply = await org.owner.do("deleteMe", confirm="acme-owner@example.com")
        assert (reply.code, reply.status) == LAST_OWNER


async def test_with_a_second_owner_the_first_may_go_by_every_road(org: Org) -> None:
    owner = await named(org, Role.OWNER)
    admin = await promoted(org, Role.ADMIN)
    await org.admin.make("updateMember", **owner, role="admin")
    assert (await org.admin.do("removeMember", **admin)).code == LAST_OWNER[0]
    await org.admin.make("updateMember", **owner, role="owner")
    await org.owner.make("removeMember", **owner)
    assert (await org.owner.do("org", slug=org.slug)).code == "not_found"
    await promoted_by(org.admin, org, Role.EDITOR)
    await org.admin.make("deleteMe", confirm="ACME-Admin@Example.com")
    assert [one["role"] for one in await org.editor.make("members", orgSlug=org.slug)] == ["owner", "viewer"]


async def promoted_by(api: Api, org: Org, role: Role) -> None:
    await api.make("updateMember", **await named(org, role), role="owner")


async def test_an_owner_who_is_deleted_counts_for_nothing(instance: Instance, org: Org) -> None:
    admin = await promoted(org, Role.ADMIN)
    await instance.execute(update(User).where(User.id == admin["userId"]).values(deleted_at=now()))  # type: ignore[arg-type]
    assert (await org.owner.do("removeMember", **await named(org, Role.OWNER))).code == LAST_OWNER[0]
    assert (await org.owner.do("updateMember", **admin, role="viewer")).code == "not_found"


@pytest.mark.all_pairs
@pytest.mark.parametrize(
    "roads", [("updateMember", "updateMember"), ("removeMember", "deleteMe"), ("deleteMe", "updateMember")]
)
async def test_of_two_owners_who_go_at_one_moment_one_stays(
    instance: Instance, org: Org, roads: tuple[str, str]
) -> None:
    both = [await named(org, Role.OWNER), await promoted(org, Role.ADMIN)]

    async def go(api: Api, road: str, who: dict[str, Any], email: str) -> Reply:
        if road == "deleteMe":
            return await api.do("deleteMe", confirm=email)
        return await api.do(road, **who, **({"role": "viewer"} if road == "updateMember" else {}))

    replies = await asyncio.gather(
        go(org.owner, roads[0], both[0], "acme-owner@example.com"),
        go(org.admin, roads[1], both[1], "acme-admin@example.com"),
    )
    assert sorted(reply.code or "" for reply in replies) == ["", LAST_OWNER[0]]
    assert [one["role"] for one in await org.viewer.make("members", orgSlug=org.slug)].count("owner") == 1


async def test_who_is_removed_has_no_way_in_any_more(instance: Instance, workspace: Workspace) -> None:
    org = workspace.org
    removed = await org.owner.make("removeMember", **await named(org, Role.EDITOR))
    assert removed["member"]["email"] == "acme-editor@example.com"
    assert (removed["tokens"], removed["tokensRevoked"]) == ([], False)
    async with instance.unchanged():
        assert (await org.editor.do("killFlag", **workspace.banner)).code == "not_found"
        assert (await org.editor.make("me"))["orgs"] == []
    event = (await instance.audited())[-1]
    assert (event.action, event.previous_value) == ("remove_member", '{"role":"editor"}')


async def test_everybody_may_leave(instance: Instance, org: Org) -> None:
    for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN):
        who = {"orgSlug": org.slug, "userId": (await org.of(role).make("me"))["actor"]["id"]}
        assert (await org.of(role).make("removeMember", **who))["member"]["role"] == role
        assert (await org.of(role).do("members", orgSlug=org.slug)).code == "not_found"
        assert (await org.of(role).do("removeMember", **who)).code == "not_found"
        assert (await instance.audited())[-1].action == "leave_org"


@pytest.mark.parametrize("revoke", [None, False, True])
async def test_the_tokens_of_a_removed_member_are_told_and_revoked_on_demand(
    instance: Instance, org: Org, revoke: bool | None
) -> None:
    minted = await instance.minted(org, name="the admin's")
    token = instance.bearer(minted["token"])
    asked = {} if revoke is None else {"revokeTokens": revoke}
    removed = await org.owner.make("removeMember", **await named(org, Role.ADMIN), **asked)
    assert removed["tokens"] == [{"id": minted["id"], "name": "the admin's"}]
    assert removed["tokensRevoked"] is bool(revoke)
    assert (await token.do("org", slug=org.slug)).code == ("unauthorized" if revoke else None)


async def test_who_leaves_revokes_tokens_only_as_an_admin(instance: Instance, org: Org) -> None:
    await instance.minted(org)
    editor = await named(org, Role.EDITOR)
    async with instance.unchanged(), instance.node.database.writing():  # nobody waits for a turn to be refused
        for fault in ({}, {"reason": "r" * 2001}):  # the role comes before the body
            reply = await org.editor.do("removeMember", **editor, revokeTokens=True, **fault)
            assert (reply.code, reply.status) == ("insufficient_role", 403), fault
    assert (await org.admin.make("removeMember", **await named(org, Role.ADMIN), revokeTokens=True))["tokensRevoked"]


async def test_a_member_of_another_org_is_no_member_of_this_one(instance: Instance, org: Org) -> None:
    other = await instance.org("other")
    stranger = {**await named(other, Role.VIEWER), "orgSlug": org.slug}
    async with instance.unchanged():
        for caller in (org.owner, org.viewer):
            assert (await caller.do("updateMember", **stranger, role="editor")).code == "not_found"
            assert (await caller.do("removeMember", **stranger)).code == "not_found"


@pytest.mark.raises_codes("forbidden")
async def test_a_token_changes_nothing_about_members(instance: Instance, org: Org) -> None:
    token = await instance.token(org)
    viewer = await named(org, Role.VIEWER)
    async with instance.unchanged():
        assert (await token.do("updateMember", **viewer, role="editor")).code == "forbidden"
        assert (await token.do("removeMember", **viewer)).code == "forbidden"
    assert len(await token.make("members", orgSlug=org.slug)) == 4
