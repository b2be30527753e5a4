"""How often mails may be asked for and claim codes guessed; the same whether or not an email is known."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.domain.rate_limits import Allowance
from app.models import MagicLink
from app.services.instance import new_claim_code
from app.settings import Mode, Settings
from tests.clients import Api, Reply
from tests.clock import now
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
    await fill_mailbox(instance)
    before = await instance.rows()
    assert (await ask(instance, "ADA@example.com", "198.51.100.1")).unwrap() == {"sent": True}
    assert len(await instance.mails()) == 20
    after = await instance.rows()
    assert {table for table in after if after[table] != before[table]} == {"magic_link"}  # the newest lives on
    (await ask(instance, "bob@example.com", "198.51.100.1")).unwrap()
    assert len(await instance.mails("bob@example.com")) == 1


async def fill_mailbox(instance: Instance, email: str = "ada@example.com") -> None:
    """What strangers can do to keep somebody from signing in."""
    for number in range(20):
        assert (await ask(instance, email, f"192.0.2.{number + 1}")).unwrap() == {"sent": True}
    assert len(await instance.mails()) == 20


async def test_who_finds_their_mailbox_filled_signs_in_by_the_newest_link(instance: Instance) -> None:
    """At any time of the hour: a link has expired long before the mailbox gets mail again."""
    await instance.person("ada")
    await fill_mailbox(instance)
    made = now() - timedelta(minutes=20)
    await instance.execute(update(MagicLink).values(created_at=made, expires_at=made + timedelta(minutes=15)))
    *_, before, newest = await instance.mails()
    caller = instance.anonymous(address="198.51.100.1")
    assert (await caller.do("redeemLink", token=newest.secret)).code == "magic_link_expired"
    await caller.make("requestMagicLink", email="ada@example.com")
    assert (await caller.do("redeemLink", token=before.secret)).code == "magic_link_expired"
    await caller.make("redeemLink", token=newest.secret)


@pytest.mark.parametrize("over", ["used", "old", "ended"])
async def test_a_link_that_was_used_or_ended_or_is_old_does_not_come_back(instance: Instance, over: str) -> None:
    _, ada = await instance.person("ada")
    await fill_mailbox(instance)
    *_, before, newest = await instance.mails()
    if over == "used":
        await instance.anonymous().make("redeemLink", token=newest.secret)
    elif over == "ended":
        await ada.make("deleteOtherSessions")
    else:
        hour_ago = now() - timedelta(minutes=61)
        await instance.execute(update(MagicLink).values(created_at=hour_ago, expires_at=hour_ago))
    async with instance.unchanged():
        (await ask(instance, "ada@example.com", "198.51.100.1")).unwrap()
        for mail in (before, newest):
            reply = await instance.anonymous().do("redeemLink", token=mail.secret)
            assert reply.code in {"magic_link_used", "magic_link_expired"}


@pytest.mark.raises_codes("rate_limited")
async def test_a_browser_that_has_signed_in_before_has_an_allowance_of_its_own(instance: Instance) -> None:
    await instance.person("ada")
    browser = in_browser(instance)
    await browser.make("requestMagicLink", email="ada@example.com")
    await browser.make("redeemLink", token=(await instance.mail("ada@example.com")).secret)
    assert "sbb_" not in repr(await instance.rows())
    for number in range(19):
        (await ask(instance, "ada@example.com", f"192.0.2.{number + 1}")).unwrap()
    for number in range(19):  # and its network's are used up too, as behind a proxy that is not trusted
        (await ask(instance, f"{number}@example.com", "198.51.100.1")).unwrap()
    assert is_limited(await ask(instance, "ada@example.com", "198.51.100.1"))
    mailed = len(await instance.mails("ada@example.com"))
    for number in range(5):
        await browser.make("requestMagicLink", email="ADA@example.com")
        assert len(await instance.mails("ada@example.com")) == mailed + number + 1
    async with instance.unchanged():
        assert is_limited(await browser.do("requestMagicLink", email="ada@example.com"))
    assert is_limited(await browser.do("requestMagicLink", email="bob@example.com"))  # as Bob it never signed in


def in_browser(instance: Instance) -> Api:
    """A caller that says it is a browser, and keeps its cookies."""
    caller = instance.anonymous(address="198.51.100.1")
    caller.client.headers.update({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"})
    return caller


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

    for number in range(19):
        (await invite(f"{number}@example.com")).unwrap()
    assert (await invite("acme-viewer@example.com")).code == "already_member"  # counted too: it tells who is there
    await instance.mails()
    async with instance.unchanged():
        assert is_limited(await invite("another@example.com"))


@pytest.mark.raises_codes("rate_limited", "invitation_email_locked")
async def test_who_deleted_their_account_cannot_be_found_out_by_inviting(instance: Instance) -> None:
    org = await instance.org()
    _, gone = await instance.person("gone")
    await gone.make("deleteMe", confirm="gone@example.com")
    body = {"orgSlug": org.slug, "email": "gone@example.com", "role": "viewer"}
    async with instance.unchanged():
        for _ in range(5):
            assert (await org.admin.do("createInvitation", **body)).code == "invitation_email_locked"
        assert is_limited(await org.admin.do("createInvitation", **body))
    for number in range(20):  # nothing was mailed to it, so none of its mails of the hour is gone
        assert await instance.node.host.rate_limits.take(Allowance("mailbox:gone@example.com", 20)) == 0, number


@pytest.mark.raises_codes("rate_limited")
async def test_wrong_claim_codes_are_limited_and_right_ones_are_not(instance: Instance) -> None:
    caller = instance.anonymous()
    for number in range(5):
        reply = await caller.do("installClaim", **CLAIM, claimCode=f"a wrong code {number}")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"claimCode"})
    async with instance.unchanged():
        assert is_limited(await caller.do("installClaim", **CLAIM, claimCode="a wrong code"))
    await caller.make("installClaim", **CLAIM, claimCode=CLAIM_CODE)  # behind a proxy, all are one network


@pytest.mark.raises_codes("rate_limited")
async def test_a_code_that_the_operator_chose_cannot_be_guessed_for_ever(instance: Instance) -> None:
    for _ in range(1000):
        await instance.node.host.rate_limits.take(Allowance("claim", 1000))
    async with instance.unchanged():
        for code in ("a wrong code", CLAIM_CODE):
            assert is_limited(await instance.anonymous().do("installClaim", **CLAIM, claimCode=code))


class TestWithACodeOfOurs:
    """One of 144 random bits, which any number of guesses leaves unknown."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """The operator chose none."""
        return settings.model_copy(update={"claim_code": None})

    async def test_the_right_code_is_never_locked_out(self, instance: Instance) -> None:
        for _ in range(1000):
            await instance.node.host.rate_limits.take(Allowance("claim", 1000))
        async with instance.node.unit("req_test") as uow:
            code = await new_claim_code(uow, instance.node.settings)
        await instance.anonymous().make("installClaim", **CLAIM, claimCode=code)
