"""Sign-in links by mail: asked for by anybody, mailed to whom it may concern, redeemed once."""

import pytest
from sqlalchemy import update

from app.models import MagicLink
from app.settings import Mode
from tests.clients import Api
from tests.clock import now
from tests.factories import Instance, invitation_of

ADA = "ada@example.com"
SENT = {"sent": True}


@pytest.fixture(params=list(Mode), ids=str)
def mode(request: pytest.FixtureRequest) -> Mode:
    """Both modes: most of it is the same."""
    found: Mode = request.param
    return found


async def ask(caller: Api, email: str = ADA) -> None:
    assert await caller.make("requestMagicLink", email=email) == SENT


async def test_a_link_is_mailed_and_signs_in(instance: Instance) -> None:
    user, _ = await instance.person("ada")
    caller = instance.anonymous()
    await ask(caller, "ADA@Example.com")
    mail = await instance.mail(ADA)
    assert mail.subject == "Sign in to Signalbox"
    assert mail.link.startswith(f"{instance.node.settings.public_url}/auth/link?t=sbl_")
    assert "once and for 15 minutes" in mail.part("plain")
    assert mail.link in mail.part("html")
    assert (await caller.make("redeemLink", token=mail.secret))["me"]["actor"]["id"] == user.id
    await caller.make("me")


async def test_the_queue_and_the_database_hold_no_secret(instance: Instance) -> None:
    await instance.person("ada")
    with instance.mail_held():
        await ask(instance.anonymous())
        rows = await instance.rows()
        assert len(rows["queued_mail"]) == 1
        assert "sbl_" not in repr(rows)
    assert (await instance.mail(ADA)).secret not in repr(await instance.rows())


async def test_an_unknown_email_gets_the_same_answer_and_a_mail_only_on_a_hosted_instance(
    instance: Instance, mode: Mode
) -> None:
    await ask(instance.anonymous(), "nobody@example.com")
    assert len(await instance.mails("nobody@example.com")) == (1 if mode is Mode.HOSTED else 0)


async def test_who_is_asked_for_makes_no_difference_to_what_the_request_does(instance: Instance) -> None:
    """The same path, and so the same time: the request does not even look."""
    await instance.person("ada")
    with instance.mail_held():
        for name in ("ada", "nobody"):
            before = await instance.rows()
            await ask(instance.anonymous(), f"{name}@example.com")
            after = await instance.rows()
            assert {table for table in after if after[table] != before[table]} == {"queued_mail"}
            assert len(after["queued_mail"]) == len(before["queued_mail"]) + 1


@pytest.mark.raises_codes("invalid_request")
async def test_what_is_no_email_gets_no_link(instance: Instance) -> None:
    async with instance.unchanged():
        for email in ("", "ada", "ada@example.com\nBcc: eve@example.com"):
            reply = await instance.anonymous().do("requestMagicLink", email=email)
            assert (reply.code, set(reply.fields)) == ("invalid_request", {"email"})


async def test_mail_goes_to_the_address_that_is_known(instance: Instance) -> None:
    """Composed and decomposed letters compare equal, and might be two mailboxes."""
    user, _ = await instance.person("zoë")
    await instance.execute(update(type(user)).values(email="zoë@example.com", email_key="zoë@example.com"))
    await ask(instance.anonymous(), "zoe\u0308@EXAMPLE.com")
    (mail,) = await instance.mails()
    assert mail.to == "zoë@example.com"


async def test_letters_that_only_look_alike_are_other_people(instance: Instance, mode: Mode) -> None:
    user, _ = await instance.person("ada")
    await instance.execute(update(type(user)).values(email="ada@strasse.example", email_key="ada@strasse.example"))
    await ask(instance.anonymous(), "ada@straße.example")
    assert len(await instance.mails()) == (1 if mode is Mode.HOSTED else 0)
    for mail in await instance.mails():
        assert (await instance.anonymous().do("redeemLink", token=mail.secret)).code == "no_invitation"


async def test_who_is_deleted_gets_no_mail(instance: Instance) -> None:
    _, ada = await instance.person("ada")
    await ada.make("deleteMe", confirm=ADA)
    await ask(instance.anonymous())
    assert await instance.mails() == []


async def test_who_is_invited_comes_in_by_a_link_and_is_a_member(instance: Instance) -> None:
    org = await instance.org()
    other = await instance.org("other")
    for one, role in ((org, "editor"), (other, "admin")):
        await one.admin.make("createInvitation", orgSlug=one.slug, email="Bob@Example.com", role=role)
    bob = instance.anonymous()
    await ask(bob, "bob@example.com")
    await bob.make("redeemLink", token=(await instance.mail("Bob@Example.com")).secret)
    me = await bob.make("me")
    assert (me["email"], me["actor"]["name"]) == ("Bob@Example.com", "Bob")
    assert [(one["org"]["slug"], one["role"]) for one in me["orgs"]] == [("acme", "editor"), ("other", "admin")]
    assert await org.admin.make("invitations", orgSlug=org.slug) == []


@pytest.mark.raises_codes("no_invitation")
async def test_who_is_not_invited_any_more_does_not_come_in(instance: Instance) -> None:
    org = await instance.org()
    row = invitation_of((await org.owner.make("org", slug=org.slug))["id"], "bob@example.com")
    invitation_id = row.id
    async with instance.node.database.writing() as session:
        session.add(row)
        await session.commit()
    await ask(instance.anonymous(), "bob@example.com")
    token = (await instance.mail("bob@example.com")).secret
    await org.admin.make("revokeInvitation", orgSlug=org.slug, invitationId=invitation_id)
    async with instance.unchanged():
        reply = await instance.anonymous().do("redeemLink", token=token)
        assert (reply.code, reply.status) == ("no_invitation", 403)


async def test_a_mailed_link_expires_after_fifteen_minutes(instance: Instance) -> None:
    await instance.person("ada")
    await ask(instance.anonymous())
    token = (await instance.mail(ADA)).secret
    (row,) = (await instance.rows())["magic_link"]
    (expires,) = [one for one in row if hasattr(one, "tzinfo") and one > now()]
    assert 14 * 60 < (expires - now()).total_seconds() <= 15 * 60
    await instance.execute(update(MagicLink).values(expires_at=now()))
    assert (await instance.anonymous().do("redeemLink", token=token)).code == "magic_link_expired"


async def test_the_other_links_of_an_email_end_when_one_is_used(instance: Instance) -> None:
    """Whoever reads the mailbox later, or took a mail before, finds none that works."""
    user, _ = await instance.person("ada")
    await instance.person("bob")
    for email in (ADA, ADA, "bob@example.com"):
        await ask(instance.anonymous(), email)
    first, second = (mail.secret for mail in await instance.mails(ADA))
    printed, bobs = await instance.link_for(user), (await instance.mail("bob@example.com")).secret
    await instance.anonymous().make("redeemLink", token=second)
    async with instance.unchanged():
        for token in (first, printed):
            assert (await instance.anonymous().do("redeemLink", token=token)).code == "magic_link_expired"
    await instance.anonymous().make("redeemLink", token=bobs)


async def test_a_link_outlives_nothing_of_the_org_it_leads_to(instance: Instance) -> None:
    org = await instance.org()
    await org.admin.make("createInvitation", orgSlug=org.slug, email="bob@example.com", role="viewer")
    await ask(instance.anonymous(), "bob@example.com")
    token = (await instance.mail("bob@example.com")).secret
    await org.owner.make("deleteOrg", slug=org.slug, confirm=org.slug)
    assert (await instance.anonymous().do("redeemLink", token=token)).code == "no_invitation"
