"""Invitations: by admins and owners, by mail, accepted once by whoever has the email."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.domain.actors import Role
from app.models import Invitation
from app.models import Org as OrgRow
from tests.clients import Api
from tests.clock import now
from tests.factories import Instance, Org

BOB = "Bob@Example.com"


async def invite(org: Org, email: str = BOB, role: str = "editor", by: Api | None = None) -> dict[str, Any]:
    found: dict[str, Any] = await (by or org.admin).make("createInvitation", orgSlug=org.slug, email=email, role=role)
    return found


def token_of(invitation: dict[str, Any]) -> str:
    return str(invitation["acceptUrl"].rpartition("/")[2])


async def expire(instance: Instance) -> None:
    await instance.execute(update(Invitation).values(expires_at=now()))


async def roles(org: Org) -> dict[str, str]:
    return {one["email"]: one["role"] for one in await org.owner.make("members", orgSlug=org.slug)}


async def test_an_invitation_is_made_mailed_and_listed(instance: Instance, org: Org) -> None:
    made = await invite(org)
    assert (made["email"], made["role"], made["status"]) == (BOB, "editor", "pending")
    assert made["invitedBy"]["name"] == "acme-admin"
    assert made["acceptUrl"].startswith(f"{instance.node.settings.public_url}/app/invitations/")
    listed = await org.owner.make("invitations", orgSlug=org.slug)
    assert listed == [{name: value for name, value in made.items() if name != "acceptUrl"}]
    mail = await instance.mail(BOB)
    assert mail.subject == "acme-admin invites you to Acme on Signalbox"
    assert mail.link.startswith(f"{instance.node.settings.public_url}/app/invitations/")
    for part in ("plain", "html"):
        assert mail.link in mail.part(part)
        assert "as editor" in mail.part(part)


async def test_the_link_shown_and_the_link_mailed_both_work_and_neither_is_stored(instance: Instance, org: Org) -> None:
    made = await invite(org)
    mail = await instance.mail(BOB)
    assert token_of(made) != mail.secret
    stored = repr(await instance.rows())
    assert token_of(made) not in stored
    assert mail.secret not in stored
    looked = [await instance.anonymous().make("invitation", token=token) for token in (token_of(made), mail.secret)]
    assert looked[0] == looked[1]
    assert looked[0]["expiresAt"] == made["expiresAt"]
    assert {**looked[0], "expiresAt": ""} == {
        "orgName": "Acme",
        "orgSlug": "acme",
        "email": BOB,
        "role": "editor",
        "expiresAt": "",
    }


async def test_a_new_user_accepts_and_is_signed_in(instance: Instance, org: Org) -> None:
    bob = instance.anonymous()
    accepted = await bob.make("acceptInvitation", token=token_of(await invite(org)), displayName="Bob")
    assert accepted["org"]["slug"] == org.slug
    me = await bob.make("me")
    assert me == accepted["me"]
    assert (me["email"], me["actor"]["name"]) == (BOB, "Bob")
    assert [(one["org"]["slug"], one["role"]) for one in me["orgs"]] == [("acme", "editor")]
    await bob.make("createProject", orgSlug=org.slug, key="bobs", name="Bob's")
    assert await org.owner.make("invitations", orgSlug=org.slug) == []
    event = (await instance.audited())[-2]
    assert (event.action, event.actor["name"], event.resource_key) == ("accept_invitation", "Bob", BOB)


async def test_without_a_display_name_the_email_gives_one(instance: Instance, org: Org) -> None:
    accepted = await instance.anonymous().make("acceptInvitation", token=token_of(await invite(org)))
    assert accepted["me"]["actor"]["name"] == "Bob"


@pytest.mark.raises_codes("unauthorized", "forbidden")
async def test_a_user_who_exists_accepts_with_their_own_session_only(instance: Instance, org: Org) -> None:
    user, bob = await instance.person("bob")
    token = token_of(await invite(org, "BOB@example.com"))
    await instance.mails()
    async with instance.unchanged():
        reply = await instance.anonymous().do("acceptInvitation", token=token)
        assert (reply.code, reply.status) == ("unauthorized", 401)
        for other in (org.owner, org.viewer):
            reply = await other.do("acceptInvitation", token=token)
            assert (reply.code, reply.status) == ("forbidden", 403)
    accepted = await bob.make("acceptInvitation", token=token, displayName="Ignored")
    assert (accepted["me"]["actor"]["id"], accepted["me"]["actor"]["name"]) == (user.id, "bob")
    assert (await roles(org))["bob@example.com"] == "editor"


@pytest.mark.raises_codes("forbidden")
async def test_a_token_accepts_nothing(instance: Instance, org: Org) -> None:
    api_token = await instance.token(org)
    token = token_of(await invite(org))
    await instance.mails()
    async with instance.unchanged():
        assert (await api_token.do("acceptInvitation", token=token)).code == "forbidden"


@pytest.mark.raises_codes("forbidden")
async def test_an_invitation_of_a_new_user_is_not_for_who_is_signed_in(instance: Instance, org: Org) -> None:
    token = token_of(await invite(org))
    await instance.mails()
    async with instance.unchanged():
        assert (await org.viewer.do("acceptInvitation", token=token)).code == "forbidden"


@pytest.mark.raises_codes("invitation_used")
async def test_an_invitation_is_accepted_once(instance: Instance, org: Org) -> None:
    made = await invite(org)
    bob = instance.anonymous()
    await bob.make("acceptInvitation", token=token_of(made))
    await instance.mails()
    async with instance.unchanged():
        for caller in (bob, instance.anonymous()):
            for operation in ("acceptInvitation", "invitation"):
                reply = await caller.do(operation, token=token_of(made))
                assert (reply.code, reply.status) == ("invitation_used", 410)
        reply = await org.admin.do("revokeInvitation", orgSlug=org.slug, invitationId=made["id"])
        assert (reply.code, reply.status) == ("invitation_used", 410)


@pytest.mark.all_pairs
async def test_of_two_who_accept_at_one_moment_one_is_made_a_member(instance: Instance, org: Org) -> None:
    tokens = [token_of(await invite(org)), (await instance.mail(BOB)).secret]
    callers = [instance.anonymous() for _ in tokens]
    replies = await asyncio.gather(
        *(caller.do("acceptInvitation", token=token) for caller, token in zip(callers, tokens, strict=True))
    )
    assert sorted(reply.code or "" for reply in replies) == ["", "invitation_used"]
    assert list(await roles(org)).count(BOB) == 1


@pytest.mark.raises_codes("invitation_expired")
async def test_an_invitation_expires(instance: Instance, org: Org) -> None:
    made = await invite(org)
    expires = timedelta(days=7)
    assert abs(_instant(made["expiresAt"]) - _instant(made["createdAt"]) - expires) < timedelta(seconds=1)
    await instance.mails()
    await expire(instance)
    async with instance.unchanged():
        for operation in ("acceptInvitation", "invitation"):
            reply = await instance.anonymous().do(operation, token=token_of(made))
            assert (reply.code, reply.status) == ("invitation_expired", 410)
    assert [one["status"] for one in await org.admin.make("invitations", orgSlug=org.slug)] == ["expired"]


def _instant(text: str) -> Any:
    return type(now()).fromisoformat(text)


@pytest.mark.raises_codes("invitation_pending")
async def test_a_fresh_invitation_stands_in_the_way_of_another_and_an_expired_one_is_replaced(
    instance: Instance, org: Org
) -> None:
    made = await invite(org)
    await instance.mails()
    async with instance.unchanged():
        for email in (BOB.upper(), BOB.lower()):
            reply = await org.owner.do("createInvitation", orgSlug=org.slug, email=email, role="viewer")
            assert (reply.code, reply.status) == ("invitation_pending", 409)
    await expire(instance)
    again = await invite(org, role="viewer")
    assert [one["id"] for one in await org.admin.make("invitations", orgSlug=org.slug)] == [again["id"]]
    assert (await instance.anonymous().do("invitation", token=token_of(made))).code == "not_found"
    await invite(await instance.org("other"))  # another organisation's is another matter


@pytest.mark.all_pairs
async def test_of_two_who_invite_the_same_email_at_one_moment_one_does(instance: Instance, org: Org) -> None:
    body = {"orgSlug": org.slug, "email": BOB, "role": "viewer"}
    replies = await asyncio.gather(*(api.do("createInvitation", **body) for api in (org.owner, org.admin)))
    assert sorted(reply.code or "" for reply in replies) == ["", "invitation_pending"]


@pytest.mark.raises_codes("already_member")
async def test_a_member_is_not_invited(instance: Instance, org: Org) -> None:
    async with instance.unchanged():
        for email in ("acme-viewer@example.com", "ACME-Viewer@EXAMPLE.com"):
            reply = await org.admin.do("createInvitation", orgSlug=org.slug, email=email, role="admin")
            assert (reply.code, reply.status) == ("already_member", 409)


@pytest.mark.raises_codes("invitation_email_locked")
async def test_a_deleted_user_is_not_invited_and_accepts_nothing(instance: Instance, org: Org) -> None:
    _, bob = await instance.person("bob")
    token = token_of(await invite(org, "bob@example.com"))
    other = await instance.org("other")
    await bob.make("deleteMe", confirm="bob@example.com")
    await instance.mails()
    async with instance.unchanged():
        reply = await other.admin.do("createInvitation", orgSlug="other", email="BOB@example.com", role="viewer")
        assert (reply.code, reply.status) == ("invitation_email_locked", 410)
        for operation in ("acceptInvitation", "invitation"):
            reply = await instance.anonymous().do(operation, token=token)
            assert (reply.code, reply.status) == ("invitation_email_locked", 410)


@pytest.mark.raises_codes("not_found")
async def test_a_revoked_invitation_leads_nowhere(instance: Instance, org: Org) -> None:
    made = await invite(org)
    mail = await instance.mail(BOB)
    await org.admin.make("revokeInvitation", orgSlug=org.slug, invitationId=made["id"])
    async with instance.unchanged():
        for token in (token_of(made), mail.secret, "sbi_unknown", "x", "\0"):
            for operation in ("acceptInvitation", "invitation"):
                reply = await instance.anonymous().do(operation, token=token)
                assert (reply.code, reply.status) == ("not_found", 404)
        again = await org.admin.do("revokeInvitation", orgSlug=org.slug, invitationId=made["id"])
        assert again.code == "not_found"
    event = (await instance.audited())[-1]
    assert (event.action, event.resource_key) == ("manage_invitations", BOB)
    await invite(org)


async def test_an_invitation_of_another_org_is_not_ones_to_revoke(instance: Instance, org: Org) -> None:
    made = await invite(org)
    other = await instance.org("other")
    await instance.mails()
    async with instance.unchanged():
        reply = await other.owner.do("revokeInvitation", orgSlug="other", invitationId=made["id"])
        assert reply.code == "not_found"


@pytest.mark.raises_codes("insufficient_role")
async def test_nobody_invites_above_their_own_role(instance: Instance, org: Org) -> None:
    async with instance.unchanged():
        reply = await org.admin.do("createInvitation", orgSlug=org.slug, email=BOB, role="owner")
        assert (reply.code, reply.status) == ("insufficient_role", 403)
    for number, role in enumerate(Role):
        await invite(org, f"{number}@example.com", role.value, by=org.owner)
        if role is not Role.OWNER:
            await invite(org, f"{number}a@example.com", role.value, by=org.admin)


@pytest.mark.parametrize(
    "email",
    [
        *("", "bob", "@example.com", "bob@", "bob@example", "b b@example.com", "bob@example.com\r\nBcc: x@example.com"),
        *("bob@a..example", "bob@.example", "bob@example."),
        *("bob@example.com, eve@example.com", "Bob <bob@example.com>", f"{'b' * 250}@example.com", "b\0b@example.com"),
    ],
)
@pytest.mark.raises_codes("invalid_request")
async def test_what_is_no_email_is_not_invited(instance: Instance, org: Org, email: str) -> None:
    async with instance.unchanged():
        reply = await org.admin.do("createInvitation", orgSlug=org.slug, email=email, role="viewer")
        assert (reply.code, set(reply.fields)) == ("invalid_request", {"email"})


@pytest.mark.parametrize(
    "email", ["łukasz@example.com", "bob+tag@bücher.example", f"{'b' * 242}@example.com", "O'B@x.io"]
)
async def test_unusual_emails_are_invited_and_come_in(instance: Instance, org: Org, email: str) -> None:
    made = await invite(org, email)
    assert made["email"] == email
    bob = instance.anonymous()
    assert (await bob.make("acceptInvitation", token=token_of(made)))["me"]["email"] == email
    assert len(await instance.mails()) in {0, 1}  # the mail may have found the invitation accepted already
    reply = await org.admin.do("createInvitation", orgSlug=org.slug, email=email.upper(), role="viewer")
    assert reply.code == "already_member"


async def test_a_name_cannot_put_lines_into_the_mail(instance: Instance) -> None:
    org = await instance.org()
    name = "Acme\r\nBcc: eve@example.com\n\nHello <b>you</b>"
    assert (await org.owner.do("updateOrg", slug=org.slug, name=name)).fields == {
        "name": "Must not contain control characters."
    }
    await instance.execute(update(OrgRow).values(name=name))  # should one get in all the same
    await invite(org)
    mail = await instance.mail(BOB)
    assert mail.message["Bcc"] is None
    assert mail.subject == "acme-admin invites you to Acme Bcc: eve@ example. com Hello <b>you</b> on Signalbox"
    assert "Hello &lt;b&gt;you&lt;/b&gt;" in mail.part("html")


async def test_an_invitation_revoked_before_its_mail_was_written_is_not_mailed(instance: Instance, org: Org) -> None:
    with instance.mail_held():
        made = await invite(org)
        await org.admin.make("revokeInvitation", orgSlug=org.slug, invitationId=made["id"])
    assert await instance.mails() == []


async def test_who_accepted_is_signed_out_by_their_first_mailed_link(instance: Instance, org: Org) -> None:
    """Whoever made the invitation knows its link, too; only the mailbox proves who is who."""
    bob = instance.anonymous()
    await bob.make("acceptInvitation", token=token_of(await invite(org)))
    await instance.anonymous().make("requestMagicLink", email=BOB)
    proven = instance.anonymous()
    await proven.make("redeemLink", token=(await instance.mail(BOB)).secret)
    assert (await bob.do("me")).code == "unauthorized"
    await instance.anonymous().make("requestMagicLink", email=BOB)
    await instance.anonymous().make("redeemLink", token=(await instance.mail(BOB)).secret)
    await proven.make("me")


async def test_whose_mailbox_was_never_shown_sees_and_takes_no_invitation_of_it(instance: Instance, org: Org) -> None:
    """Whoever invites an email sees the link: they must not get at what others offer its owner."""
    mallory = await instance.org("mallory")
    link = token_of(await mallory.admin.make("createInvitation", orgSlug="mallory", email=BOB, role="viewer"))
    bob = instance.anonymous()
    await bob.make("acceptInvitation", token=link)
    made = await invite(org, BOB, "owner", by=org.owner)
    assert "invites you" not in (await bob.client.get("/app/")).text
    response = await bob.client.post("/app/accept", data={"id": made["id"]})
    assert response.status_code == 403
    assert BOB not in await roles(org)


async def test_whose_mailbox_was_never_shown_locks_no_email(instance: Instance, org: Org) -> None:
    mallory = await instance.org("mallory")
    link = token_of(await mallory.admin.make("createInvitation", orgSlug="mallory", email=BOB, role="viewer"))
    waiting = token_of(await invite(org, BOB))
    bob = instance.anonymous()
    await bob.make("acceptInvitation", token=link)
    await bob.make("deleteMe", confirm=BOB)
    assert (await bob.do("me")).code == "unauthorized"
    await instance.anonymous().make("acceptInvitation", token=waiting)
    assert (await roles(org))[BOB] == "editor"


@pytest.mark.raises_codes("insufficient_role")
async def test_nobody_takes_an_invitation_back_above_their_own_role(instance: Instance, org: Org) -> None:
    made = await invite(org, BOB, "owner", by=org.owner)
    where = {"orgSlug": org.slug, "invitationId": made["id"]}
    await instance.mails()
    async with instance.unchanged():
        assert (await org.admin.do("revokeInvitation", **where)).code == "insufficient_role"
        bad = {"orgSlug": org.slug, "email": "no email", "role": "owner"}
        assert (await org.admin.do("createInvitation", **bad)).code == "insufficient_role"
    await org.owner.make("revokeInvitation", **where)
