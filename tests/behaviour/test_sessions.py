"""Signing in by a link, who am I, and signing out."""

import asyncio
import math
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlmodel import col

from app.jobs.last_uses import write_last_uses
from app.models import MagicLink, Session, User
from app.services import links
from tests.clock import SetClock, now
from tests.factories import Instance, Workspace


async def link_for(instance: Instance, user: User) -> str:
    async with instance.node.unit("req_test") as uow:
        return await links.make_for_email(uow, user.email)


async def test_a_link_signs_in(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    caller = instance.anonymous()
    session = await caller.make("redeemLink", token=await link_for(instance, user))
    me = await caller.make("me")
    assert me == session["me"]
    assert (me["email"], me["actor"]["id"], me["orgs"]) == ("ada@example.com", user.id, [])


@pytest.mark.raises_codes("magic_link_used")
async def test_a_link_signs_in_once(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    token = await link_for(instance, user)
    await instance.anonymous().make("redeemLink", token=token)
    async with instance.unchanged():
        late = instance.anonymous()
        reply = await late.do("redeemLink", token=token)
        assert (reply.code, reply.status) == ("magic_link_used", 410)
        assert (await late.do("me")).code == "unauthorized"


@pytest.mark.all_pairs
async def test_of_two_who_redeem_a_link_at_one_moment_one_is_signed_in(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    token = await link_for(instance, user)
    replies = await asyncio.gather(*(instance.anonymous().do("redeemLink", token=token) for _ in range(2)))
    assert sorted(reply.code or "" for reply in replies) == ["", "magic_link_used"]


@pytest.mark.raises_codes("magic_link_expired")
async def test_a_link_expires(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    token = await link_for(instance, user)
    await instance.execute(update(MagicLink).values(expires_at=now()))
    async with instance.unchanged():
        reply = await instance.anonymous().do("redeemLink", token=token)
        assert (reply.code, reply.status) == ("magic_link_expired", 410)


@pytest.mark.raises_codes("magic_link_invalid")
async def test_an_unknown_or_garbled_link_signs_nobody_in(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    token = await link_for(instance, user)
    async with instance.unchanged():
        for wrong in ("", "sbl_unknown", token[:-1], token + "x", token.upper(), "\0"):
            reply = await instance.anonymous().do("redeemLink", token=wrong)
            assert (reply.code, reply.status) == ("magic_link_invalid", 400), wrong


async def test_a_link_of_a_deleted_user_is_invalid(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    token = await link_for(instance, user)
    await instance.execute(update(User).values(deleted_at=now()))
    assert (await instance.anonymous().do("redeemLink", token=token)).code == "magic_link_invalid"


@pytest.mark.raises_codes("unauthorized")
async def test_nobody_is_nobody(instance: Instance) -> None:
    reply = await instance.anonymous().do("me")
    assert (reply.code, reply.status) == ("unauthorized", 401)


@pytest.mark.parametrize("cookie", ["", "sbs_unknown", "not-a-session"])
async def test_an_unknown_cookie_is_no_session(instance: Instance, cookie: str) -> None:
    assert (await instance.anonymous(cookie).do("me")).code == "unauthorized"


@pytest.fixture
def a_second_later(instance: Instance) -> None:
    """What another process did to a session is seen a second later; here, at once."""
    instance.node.sessions.ttl = -1


@pytest.mark.usefixtures("a_second_later")
async def test_a_session_ends_when_it_expires(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    await ada.make("me")
    await instance.execute(update(Session).values(expires_at=now()))
    assert (await ada.do("me")).code == "unauthorized"


async def test_a_session_expires_in_memory_as_well(instance: Instance, clock: SetClock) -> None:
    _, ada = await instance.person("ada")
    await ada.make("me")
    clock.ahead, instance.node.sessions.ttl = timedelta(days=30), math.inf
    assert (await ada.do("me")).code == "unauthorized"


@pytest.mark.usefixtures("a_second_later")
async def test_a_user_who_is_erased_by_the_operator_is_nobody(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    await ada.make("me")
    await instance.execute(delete(User).where(col(User.id) == user.id))
    assert (await ada.do("me")).code == "unauthorized"


async def test_a_user_who_is_erased_in_this_moment_is_nobody(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    await ada.make("me")
    await instance.execute(delete(User).where(col(User.id) == user.id))
    for operation, given in (
        ("me", {}),
        ("deleteMe", {"confirm": user.email}),
        ("createOrg", {"slug": "x", "name": "X"}),
    ):
        reply = await ada.do(operation, **given)
        assert (reply.code, reply.status) == ("unauthorized", 401), operation


@pytest.mark.usefixtures("a_second_later")
async def test_a_session_in_use_slides_on(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    almost = now() + timedelta(hours=1)
    await instance.execute(update(Session).values(expires_at=almost, last_seen_at=almost - timedelta(days=30)))
    response = await ada.client.get("/api/v1/auth/me")
    assert "Max-Age=2592000" in response.headers["set-cookie"], "the browser keeps the cookie as long"
    await write_last_uses(instance.node)
    async with instance.node.database.reading() as session:
        (row,) = (await session.execute(select(Session))).scalars()
    assert row.expires_at > now() + timedelta(days=29)
    await instance.execute(update(Session).where(col(Session.user_id) == user.id).values(last_seen_at=now()))
    async with instance.unchanged():  # a day at a time, not with every request
        await ada.make("me")


@pytest.mark.usefixtures("a_second_later")
async def test_a_session_ends_180_days_after_the_sign_in_however_it_is_used(
    instance: Instance, clock: SetClock
) -> None:
    _, ada = await instance.person("ada")
    for day in range(0, 180, 20):
        clock.ahead = timedelta(days=day)
        await ada.make("me")
        await write_last_uses(instance.node)
    clock.ahead = timedelta(days=180) - timedelta(minutes=1)
    (session,) = await ada.make("sessions")
    ends, began = (datetime.fromisoformat(session[name]) for name in ("expiresAt", "createdAt"))
    assert ends - began == timedelta(days=180)
    clock.ahead = timedelta(days=180)
    assert (await ada.do("me")).code == "unauthorized"


async def test_who_signs_in_again_leaves_no_session_behind(instance: Instance) -> None:
    """Whoever the browser's cookie was before."""
    user, ada = await instance.person("ada")
    bob, caller = await instance.person("bob")
    for someone in (user, bob, bob):
        before = caller.client.cookies["signalbox_session"]
        await caller.make("redeemLink", token=await instance.link_for(someone))
        assert caller.client.cookies["signalbox_session"] != before
        assert (await instance.anonymous(before).do("me")).code == "unauthorized"
    assert (await caller.make("me"))["actor"]["id"] == bob.id
    assert [one["current"] for one in await caller.make("sessions")] == [True]
    await ada.make("me")


@pytest.mark.usefixtures("a_second_later")
async def test_the_session_of_a_deleted_user_is_over(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    await instance.execute(update(User).values(deleted_at=now()))
    assert (await ada.do("me")).code == "unauthorized"


async def test_signing_out_ends_the_session_here_and_no_other(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    elsewhere = instance.anonymous()
    await elsewhere.make("redeemLink", token=await link_for(instance, user))
    cookie = ada.client.cookies["signalbox_session"]
    await ada.make("logout")
    assert "signalbox_session" not in ada.client.cookies
    assert (await ada.do("me")).code == "unauthorized"
    assert (await instance.anonymous(cookie).do("me")).code == "unauthorized"
    await elsewhere.make("me")


async def test_signing_out_twice_is_no_failure(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    await ada.make("logout")
    await ada.make("logout")
    await instance.anonymous().make("logout")


async def test_no_secret_is_stored(instance: Instance) -> None:
    user, ada = await instance.person("ada")
    token = await link_for(instance, user)
    cookie = ada.client.cookies["signalbox_session"]
    stored = repr(await instance.rows())
    assert token not in stored
    assert cookie not in stored


async def test_ending_ones_own_session_signs_out(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    (own,) = await ada.make("sessions")
    await ada.make("deleteSession", sessionId=own["id"])
    assert "signalbox_session" not in ada.client.cookies
    assert (await ada.do("me")).code == "unauthorized"


async def test_a_token_that_logs_out_leaves_a_cookie_alone(instance: Instance, workspace: Workspace) -> None:
    caller = await instance.token(workspace.org)
    cookie = workspace.org.viewer.client.cookies["signalbox_session"]
    caller.client.cookies.set("signalbox_session", cookie)
    await caller.do("logout")
    assert caller.client.cookies["signalbox_session"] == cookie
    await workspace.org.viewer.make("me")
