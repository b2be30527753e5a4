"""One's own account: the name, where one is signed in, and its end."""

import asyncio

import httpx2
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


async def test_all_other_sessions_are_ended_at_once(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    _, bob = await instance.person("bob")
    others = [instance.anonymous() for _ in range(2)]
    for other in others:
        await other.make("redeemLink", token=await instance.link_for(user))
        await other.make("me")
    await ada.make("deleteOtherSessions")
    assert [(await other.do("me")).code for other in others] == ["unauthorized"] * 2
    assert [one["current"] for one in await ada.make("sessions")] == [True]
    await bob.make("me")
    async with instance.unchanged():
        await ada.make("deleteOtherSessions")


@pytest.mark.all_pairs
async def test_of_two_sessions_that_end_each_other_at_one_moment_one_stays(instance: Instance) -> None:
    user, here = await instance.person("ada")
    there = instance.anonymous()
    await there.make("redeemLink", token=await instance.link_for(user))
    replies = await asyncio.gather(*(one.do("deleteOtherSessions") for one in (here, there)))
    assert sorted(reply.code or "" for reply in replies) == ["", "unauthorized"]
    assert sorted([(await one.do("me")).code or "" for one in (here, there)]) == ["", "unauthorized"]


async def test_sessions_can_be_told_apart(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"
    control = "\x9b31m\x85odd/1"
    for agent, address in ((phone, "192.0.2.7"), ("curl/8.5.0", "2001:db8::7"), (control, "::ffff:192.0.2.8")):
        elsewhere = instance.anonymous(address=address)
        elsewhere.client.headers = httpx2.Headers([(b"user-agent", agent.encode("latin-1"))])
        await elsewhere.make("redeemLink", token=await instance.link_for(user))
    seen = [(one["browser"], one["address"]) for one in await ada.make("sessions")]
    assert seen[1:] == [("Safari on iPhone", "192.0.2.7"), ("curl", "2001:db8::7"), ("31modd", "192.0.2.8")]


async def test_a_name_is_changed_from_now_on(instance: Instance, org: Org) -> None:
    await org.owner.make("updateOrg", slug=org.slug, name="By the old name")
    before = (await org.owner.make("me"))["actor"]
    changed = await org.owner.make("updateMe", displayName="Ada Lovelace")
    assert changed == await org.owner.make("me")
    assert changed["actor"] == {**before, "name": "Ada Lovelace"}
    assert "Ada Lovelace" in [one["displayName"] for one in await org.viewer.make("members", orgSlug=org.slug)]
    await org.owner.make("updateOrg", slug=org.slug, name="By the new name")
    assert [event.actor["name"] for event in (await instance.audited())[-2:]] == [before["name"], "Ada Lovelace"]
    async with instance.unchanged():
        assert (await org.owner.make("updateMe"))["actor"] == changed["actor"]


@pytest.mark.raises_codes("invalid_request")
async def test_a_name_that_nobody_can_have_is_refused(instance: Instance, org: Org) -> None:
    async with instance.unchanged():
        for name in ("", " ", "a\nb", "x" * 201):
            reply = await org.viewer.do("updateMe", displayName=name)
            assert (reply.code, set(reply.fields)) == ("invalid_request", {"displayName"}), name


async def test_people_choose_which_mails_about_proposals_they_get(instance: Instance, org: Org) -> None:
    events = ("proposed", "reviewed", "applied", "cancelled")
    everything = dict.fromkeys(events, True)
    assert (await org.editor.make("me"))["notify"] == everything
    chosen = await org.editor.make("updateMe", notify={"proposed": False, "applied": False})
    assert chosen["notify"] == {**everything, "proposed": False, "applied": False}
    chosen = await org.editor.make("updateMe", notify={"applied": True})
    assert chosen == await org.editor.make("me")
    assert chosen["notify"] == {**everything, "proposed": False}
    async with instance.unchanged():
        assert await org.editor.make("updateMe", notify={}) == chosen
    assert (await org.viewer.make("me"))["notify"] == everything, "others choose for themselves"
    assert "notify" not in await (await instance.token(org)).make("me")


@pytest.mark.raises_codes("invalid_request")
async def test_a_choice_of_mails_that_is_none_is_refused_at_each_place(instance: Instance, org: Org) -> None:
    asked = {"proposed": "no", "reviewed": 0, "aplied": True}
    async with instance.unchanged():
        reply = await org.editor.do("updateMe", displayName="Grace", notify=asked)
        assert (reply.code, reply.status) == ("invalid_request", 400)
        assert reply.fields == {
            "notify.proposed": "Must be true or false.",
            "notify.reviewed": "Must be true or false.",
            "notify.aplied": "Unknown field. Did you mean applied? Known fields: "
            "applied, cancelled, proposed, reviewed.",
        }
        for nothing in ([], "all", True):
            reply = await org.editor.do("updateMe", displayName="Grace", notify=nothing)
            assert (reply.code, reply.fields) == ("invalid_request", {"notify": "Must be an object."})
        for field, empty in (("notify", None), ("notify.proposed", {"proposed": None})):
            reply = await org.editor.do("updateMe", displayName="Grace", notify=empty)
            assert (reply.code, set(reply.fields)) == ("invalid_request", {field})


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
        assert (await token.do("deleteOtherSessions")).code == "forbidden"
        assert (await token.do("updateMe", displayName="x")).code == "forbidden"


@pytest.mark.raises_codes("unauthorized")
async def test_nobody_has_no_account(instance: Instance) -> None:
    async with instance.unchanged():
        assert (await instance.anonymous().do("sessions")).code == "unauthorized"
        assert (await instance.anonymous().do("deleteMe", confirm="x")).code == "unauthorized"
        assert (await instance.anonymous().do("deleteOtherSessions")).code == "unauthorized"
        assert (await instance.anonymous().do("updateMe", displayName="x")).code == "unauthorized"


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
