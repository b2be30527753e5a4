"""Signing up on a hosted instance: the mailed link makes the organisation and its owner."""

import asyncio
from typing import Any

import pytest

from app.settings import Mode
from tests.conftest import CLAIM_CODE
from tests.factories import Instance

ADA = {"email": "Ada@Example.com", "displayName": "Ada", "orgName": "Acme Inc.", "orgSlug": "acme"}


@pytest.fixture
def mode() -> Mode:
    """Where people sign up."""
    return Mode.HOSTED


async def signed_up(instance: Instance, **body: Any) -> str:
    """The secret of the link that was mailed."""
    asked = {**ADA, **body}
    assert await instance.anonymous().make("signUp", **asked) == {"sent": True}
    return (await instance.mails())[-1].secret


async def test_the_link_makes_the_org_and_its_owner(instance: Instance) -> None:
    token = await signed_up(instance)
    rows = await instance.rows()
    assert [rows["org"], rows["user"]] == [[], []]
    ada = instance.anonymous()
    session = await ada.make("redeemLink", token=token)
    me = await ada.make("me")
    assert me == session["me"]
    assert (me["email"], me["actor"]["name"]) == ("Ada@Example.com", "Ada")
    assert [(one["org"]["slug"], one["org"]["name"], one["role"]) for one in me["orgs"]] == [
        ("acme", "Acme Inc.", "owner")
    ]
    mail = (await instance.mails())[-1]
    assert mail.subject == "Finish signing up for Signalbox"
    assert (await instance.anonymous().do("redeemLink", token=token)).code == "magic_link_used"


async def test_who_is_known_gets_another_org(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    ada = instance.anonymous()
    await ada.make("redeemLink", token=await signed_up(instance, email="ADA@example.com"))
    me = await ada.make("me")
    assert (me["actor"]["id"], me["actor"]["name"]) == (user.id, "ada")
    assert [one["org"]["slug"] for one in me["orgs"]] == ["acme"]


@pytest.mark.raises_codes("slug_unavailable")
async def test_a_slug_that_is_taken_is_told_at_once(instance: Instance) -> None:
    await instance.org("acme")
    async with instance.unchanged():
        reply = await instance.anonymous().do("signUp", **ADA)
        assert (reply.code, reply.status) == ("slug_unavailable", 409)


@pytest.mark.all_pairs
@pytest.mark.raises_codes("slug_unavailable")
async def test_of_two_who_sign_up_for_a_slug_the_first_to_redeem_has_it(instance: Instance) -> None:
    tokens = [await signed_up(instance, email=f"{name}@example.com") for name in ("ada", "bob")]
    replies = await asyncio.gather(*(instance.anonymous().do("redeemLink", token=token) for token in tokens))
    assert sorted((reply.code or "", reply.status) for reply in replies) == [("", 200), ("slug_unavailable", 409)]
    rows = await instance.rows()
    assert [len(rows[table]) for table in ("org", "user", "session", "membership")] == [1, 1, 1, 1]


@pytest.mark.raises_codes("invalid_request")
async def test_all_faults_of_a_signup_are_told_at_once(instance: Instance) -> None:
    async with instance.unchanged():
        reply = await instance.anonymous().do("signUp", email="x", displayName="", orgName="", orgSlug="No Slug")
        assert (reply.code, set(reply.fields)) == (
            "invalid_request",
            {"email", "displayName", "orgName", "orgSlug"},
        )


async def test_an_instance_that_has_an_org_is_claimed(instance: Instance) -> None:
    await instance.anonymous().make("redeemLink", token=await signed_up(instance))
    body = {"email": "eve@example.com", "orgName": "Eve", "orgSlug": "eve", "claimCode": CLAIM_CODE}
    assert (await instance.anonymous().do("installClaim", **body)).code == "already_claimed"


async def test_who_is_deleted_does_not_sign_up_again(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    await ada.make("deleteMe", confirm="ada@example.com")
    assert await instance.anonymous().make("signUp", **ADA) == {"sent": True}
    assert await instance.mails() == []


class TestSelfHosted:
    """Where nobody signs up."""

    @pytest.fixture
    def mode(self) -> Mode:
        """Who may come in: those who are invited."""
        return Mode.SELF_HOSTED

    @pytest.mark.raises_codes("not_found")
    async def test_there_is_no_signup(self, instance: Instance) -> None:
        async with instance.unchanged():
            for body in (ADA, {**ADA, "email": "x"}):
                reply = await instance.anonymous().do("signUp", **body)
                assert (reply.code, reply.status) == ("not_found", 404)
