"""How often mails may be asked for and claim codes guessed; the same whether or not an email is known."""

import asyncio

import pytest

from app.settings import Mode
from tests.clients import Reply
from tests.conftest import CLAIM_CODE
from tests.factories import Instance

CLAIM = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": "acme"}


@pytest.fixture
def mode() -> Mode:
    """Where all three can be asked for."""
    return Mode.HOSTED


def is_limited(reply: Reply) -> bool:
    return (reply.code, reply.status) == ("rate_limited", 429)


async def ask(instance: Instance, email: str, address: str = "192.0.2.1") -> Reply:
    return await instance.anonymous(address=address).do("requestMagicLink", email=email)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.raises_codes("rate_limited")
async def test_an_email_is_asked_for_five_times_an_hour_from_an_address(instance: Instance, known: bool) -> None:
    if known:
        await instance.person("ada")
    for email in ("ada@example.com", "ADA@example.com", "ada@Example.com", "Ada@example.com", "ada@example.com"):
        (await ask(instance, email)).unwrap()
    await instance.mails()
    async with instance.unchanged():
        assert is_limited(await ask(instance, "adA@example.com"))
    (await ask(instance, "bob@example.com")).unwrap()
    (await ask(instance, "ada@example.com", "192.0.2.2")).unwrap()


@pytest.mark.raises_codes("rate_limited")
async def test_an_address_asks_twenty_times_an_hour(instance: Instance) -> None:
    for number in range(20):
        (await ask(instance, f"{number}@example.com")).unwrap()
    await instance.mails()
    async with instance.unchanged():
        assert is_limited(await ask(instance, "another@example.com"))
    (await ask(instance, "another@example.com", "192.0.2.2")).unwrap()


@pytest.mark.all_pairs
async def test_of_many_at_one_moment_no_more_come_through(instance: Instance) -> None:
    replies = await asyncio.gather(*(ask(instance, "ada@example.com") for _ in range(12)))
    assert [reply.code for reply in replies].count(None) == 5


async def test_the_addresses_of_one_ipv6_customer_count_as_one(instance: Instance) -> None:
    for number in range(5):
        (await ask(instance, "ada@example.com", f"2001:db8:1:2::{number + 1}")).unwrap()
    assert is_limited(await ask(instance, "ada@example.com", "2001:db8:1:2:ffff::1"))
    (await ask(instance, "ada@example.com", "2001:db8:1:3::1")).unwrap()


async def test_a_mailbox_gets_twenty_mails_an_hour_from_anywhere(instance: Instance) -> None:
    for number in range(20):
        assert (await ask(instance, "ada@example.com", f"192.0.2.{number + 1}")).unwrap() == {"sent": True}
    assert len(await instance.mails()) == 20
    async with instance.unchanged():  # no mail is queued
        assert (await ask(instance, "ADA@example.com", "198.51.100.1")).unwrap() == {"sent": True}
        assert len(await instance.mails()) == 20
    (await ask(instance, "bob@example.com", "198.51.100.1")).unwrap()
    assert len(await instance.mails("bob@example.com")) == 1


@pytest.mark.raises_codes("rate_limited")
async def test_signups_are_limited_alike(instance: Instance) -> None:
    async def sign_up(number: int) -> Reply:
        body = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": f"acme-{number}"}
        return await instance.anonymous().do("signUp", **body)

    for number in range(5):
        (await sign_up(number)).unwrap()
    await instance.mails()
    async with instance.unchanged():
        assert is_limited(await sign_up(5))


@pytest.mark.raises_codes("rate_limited")
async def test_invitations_are_limited_by_what_they_mail(instance: Instance) -> None:
    org = await instance.org()

    async def invite(email: str) -> Reply:
        return await org.admin.do("createInvitation", orgSlug=org.slug, email=email, role="viewer")

    for number in range(20):
        assert (await invite("acme-viewer@example.com")).code == "already_member"
        (await invite(f"{number}@example.com")).unwrap()
    await instance.mails()
    async with instance.unchanged():
        assert is_limited(await invite("another@example.com"))


@pytest.mark.raises_codes("rate_limited")
async def test_wrong_claim_codes_are_limited_and_right_ones_are_not(instance: Instance) -> None:
    caller = instance.anonymous()
    for number in range(5):
        reply = await caller.do("installClaim", **CLAIM, claimCode=f"a wrong code {number}")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"claimCode"})
    async with instance.unchanged():
        for code in ("a wrong code", CLAIM_CODE):  # or the right one would be reported from the wrong ones
            assert is_limited(await caller.do("installClaim", **CLAIM, claimCode=code))
    await instance.anonymous(address="192.0.2.2").make("installClaim", **CLAIM, claimCode=CLAIM_CODE)
