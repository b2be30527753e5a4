"""Sign-in links: single use, 15 minutes, stored as SHA-256.

Asking for a link only queues a mail. The email is looked up when the mail is composed, so that neither the answer nor
its timing shows whether the email is known.
"""

from datetime import timedelta
from typing import Any

from app.domain.commands import Command, Email, validate
from app.domain.emails import email_key, local_part
from app.domain.errors import AppError, not_found
from app.domain.ids import digest, new_secret
from app.models import Instance, MagicLink, MailKind, Org, User
from app.services import mail
from app.services.invitations import join
from app.services.orgs import create_org_with_owner
from app.services.sessions import SignedIn, end_all, is_proven, start_session
from app.services.throttling import Purpose, count_mail
from app.store import instance, invitations, links, people
from app.store.unit_of_work import UnitOfWork

LIFETIME = timedelta(minutes=15)


class RequestMagicLink(Command, json_schema_extra={"examples": [{"email": "ada@acme.example"}]}):
    """Where the link goes."""

    email: Email


class RedeemLink(
    Command, json_schema_extra={"examples": [{"token": "sbl_EXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEE"}]}
):
    """The secret of a sign-in link: what follows `?t=`."""

    token: str


async def request_link(uow: UnitOfWork, body: object) -> None:
    """Queues a mail with a link. Raises `rate_limited`, whether or not the email is known."""
    command = validate(RequestMagicLink, body)
    if await count_mail(uow, Purpose.MAGIC_LINK, command.email):
        await ask(uow, MailKind.SIGN_IN, command.email)


async def ask(uow: UnitOfWork, kind: MailKind, email: str, signup: dict[str, Any] | None = None) -> None:
    """Queues the mail that will hold a link."""
    await uow.begin_write()
    browser_hash = None if uow.client.browser is None else digest(uow.client.browser)
    mail.enqueue(uow, kind, email, browser_hash=browser_hash, signup=signup)


def make_link(uow: UnitOfWork, email: str, **values: Any) -> str:
    """Creates a link for the email, within the current write; returns its secret."""
    secret = new_secret("sbl_")
    uow.add(
        MagicLink(
            email=email,
            email_key=email_key(email),
            secret_hash=digest(secret),
            expires_at=uow.now + LIFETIME,
            **values,
        )
    )
    return secret


async def make_for_email(uow: UnitOfWork, email: str) -> str:
    """The secret of a link that the operator hands over. Raises `not_found`."""
    await uow.begin_write()
    user = await people.user_by_email(uow.session, email_key(email))
    if user is None or user.deleted_at is not None:
        raise not_found("user")
    return make_link(uow, user.email)


async def is_of_browser(uow: UnitOfWork, secret: str, browser: str | None) -> bool:
    """Whether the link was asked for by the browser whose secret is `browser`."""
    link = await links.by_secret(uow.session, digest(secret))
    return link is not None and browser is not None and link.browser_hash == digest(browser)


async def redeem(uow: UnitOfWork, body: object) -> SignedIn:
    """Signs in whoever has the link's email; who is new must be invited, or have signed up.

    Raises `magic_link_invalid`, `magic_link_used`, `magic_link_expired`, `no_invitation`, `slug_unavailable`. The email
    is locked, so that of two redemptions of a link one wins, and of two links to a new email one makes the user.
    """
    command = validate(RedeemLink, body)
    link = await _by_secret(uow, command.token)
    await uow.begin_write()
    await uow.lock_email(link.email_key)
    link = await _by_secret(uow, command.token)
    if link.used_at is not None:
        raise AppError("magic_link_used")
    if link.expires_at <= uow.now:
        raise AppError("magic_link_expired")
    link.used_at = uow.now
    known = await people.user_by_email(uow.session, link.email_key)
    if known is None and not link.mailed:  # the user of the operator's link is gone, and it proves no mailbox
        raise AppError("magic_link_invalid")
    if known is not None and known.deleted_at is not None:
        raise AppError("magic_link_invalid")
    invited = await _locked_invitations(uow, link) if known is None else []
    if known is None and link.signup is None and not invited:
        raise AppError("no_invitation")
    user = known or await _add_user(uow, link)
    if link.mailed:
        await _verify_email(uow, user)
    signed_in = await start_session(uow, user)
    for one in invited:
        await join(uow, user, one)
    if link.signup is not None:
        await _create_org(uow, user, link.signup)
    return signed_in


async def _by_secret(uow: UnitOfWork, secret: str) -> MagicLink:
    if (found := await links.by_secret(uow.session, digest(secret))) is None:
        raise AppError("magic_link_invalid")
    return found


async def _verify_email(uow: UnitOfWork, user: User) -> None:
    """The mailbox is the user's. Earlier sessions may have been somebody else's, so they end."""
    if not is_proven(user):
        user.email_verified_at = uow.now
        await end_all(uow, user.id)


async def _add_user(uow: UnitOfWork, link: MagicLink) -> User:
    name = (link.signup or {}).get("displayName") or local_part(link.email)
    user = User(email=link.email, email_key=link.email_key, display_name=name, email_verified_at=uow.now)
    uow.add(user)
    await uow.flush()
    return user


async def _locked_invitations(uow: UnitOfWork, link: MagicLink) -> list[invitations.Invited]:
    """The invitations of the email, read again once no one else can change them."""
    waiting = await invitations.pending_for(uow.session, link.email_key, uow.now)
    await uow.lock(Org, [one.org.id for one in waiting])
    held = {one.org.id for one in waiting}
    return [one for one in await invitations.pending_for(uow.session, link.email_key, uow.now) if one.org.id in held]


async def _create_org(uow: UnitOfWork, user: User, signup: dict[str, Any]) -> None:
    """Creates the organisation that was signed up for. The instance counts as claimed from then on."""
    await uow.lock(Instance, [instance.ID])
    row = await instance.get(uow.session)
    row.claimed_at = row.claimed_at or uow.now
    await create_org_with_owner(uow, user.id, signup["orgSlug"], signup["orgName"])
