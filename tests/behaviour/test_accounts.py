"""One's own account: where one is signed in, and its end."""

import pytest
from sqlalchemy import update

from app.models import Session
from tests.clock import now
from tests.factories import Instance, Org


async def test_sessions_are_listed_oldest_first(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    elsewhere = instance.anonymous()
    await elsewhere.make("redeemLink", token=await instance.link_for(user))
    here, there = await ada.make("sessions"), await elsewhere.make("sessions")
    assert [one["current"] for one in here] == [True, False]
    assert [one["current"] for one in there] == [False, True]
    assert [one["id"] for one in here] == [one["id"] for one in there]
    assert all(one["createdAt"] <= one["lastSeenAt"] < one["expiresAt"] for one in here)
    await instance.person("bob")
    assert len(await ada.make("sessions")) == 2


async def test_the_list_of_sessions_has_pages_and_leaves_out_what_has_expired(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    for _ in range(2):
        await instance.anonymous().make("redeemLink", token=await instance.link_for(user))
    first = await ada.do("sessions", limit=2)
    rest = await ada.do("sessions", limit=2, cursor=first.next)
    assert [len(reply.unwrap()) for reply in (first, rest)] == [2, 1]
    await instance.execute(update(Session).where(Session.id == rest.data[0]["id"]).values(expires_at=now()))  # type: ignore[arg-type]
    assert [one["id"] for one in await ada.make("sessions")] == [one["id"] for one in first.data]


async def test_a_session_is_ended_from_another_one(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    lost = instance.anonymous()
    await lost.make("redeemLink", token=await instance.link_for(user))
    (theirs,) = [one["id"] for one in await ada.make("sessions") if not one["current"]]
    await ada.make("deleteSession", sessionId=theirs)
    assert (await lost.do("me")).code == "unauthorized"
    assert len(await ada.make("sessions")) == 1


@pytest.mark.raises_codes("not_found")
async def test_nobody_ends_the_session_of_somebody_else(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    _, eve = await instance.person("eve")
    (adas,) = await ada.make("sessions")
    async with instance.unchanged():
        for session_id in (adas["id"], "x", "019a0c5e-ff9e-7085-9cff-6fe9935ce1c9"):
            reply = await eve.do("deleteSession", sessionId=session_id)
            assert (reply.code, reply.status) == ("not_found", 404)


@pytest.mark.raises_codes("forbidden")
async def test_a_token_has_no_account(instance: Instance, org: Org) -> None:
    token = await instance.token(org)
    async with instance.unchanged():
        assert (await token.do("sessions")).code == "forbidden"
        assert (await token.do("deleteMe", confirm="x")).code == "forbidden"
        assert (await token.do("deleteSession", sessionId="x")).code == "forbidden"


@pytest.mark.raises_codes("unauthorized")
async def test_nobody_has_no_account(instance: Instance) -> None:
    async with instance.unchanged():
        assert (await instance.anonymous().do("sessions")).code == "unauthorized"
        assert (await instance.anonymous().do("deleteMe", confirm="x")).code == "unauthorized"


@pytest.mark.raises_codes("invalid_confirmation")
async def test_an_account_is_deleted_on_confirmation_only(instance: Instance, org: Org) -> None:
    async with instance.unchanged():
        for body in ({}, {"confirm": ""}, {"confirm": "acme-owner@example.com"}, {"confirm": "acme"}):
            reply = await org.viewer.do("deleteMe", **body)
            assert (reply.code, reply.status, set(reply.fields)) == ("invalid_confirmation", 400, {"confirm"})


async def test_a_deleted_account_is_signed_out_everywhere_and_a_member_of_nothing(instance: Instance, org: Org) -> None:
    other = await instance.org("other")
    viewer = await org.viewer.make("me")
    token = (await other.owner.make("createInvitation", orgSlug="other", email=viewer["email"], role="editor"))[
        "acceptUrl"
    ].rpartition("/")[2]
    await org.viewer.make("acceptInvitation", token=token)
    cookie = org.viewer.client.cookies["signalbox_session"]
    await org.viewer.make("deleteMe", confirm=viewer["email"].upper())
    assert "signalbox_session" not in org.viewer.client.cookies
    assert (await instance.anonymous(cookie).do("me")).code == "unauthorized"
    for one in (org, other):
        assert viewer["email"] not in [member["email"] for member in await one.owner.make("members", orgSlug=one.slug)]
    last = [(event.action, event.actor["id"]) for event in (await instance.audited())[-2:]]
    assert last == [("leave_org", viewer["actor"]["id"])] * 2


async def test_what_a_deleted_user_did_keeps_their_name(instance: Instance, org: Org) -> None:
    await org.admin.make("updateOrg", slug=org.slug, name="By the admin")
    await org.admin.make("deleteMe", confirm="acme-admin@example.com")
    assert "acme-admin" in [event.actor["name"] for event in await instance.audited()]
