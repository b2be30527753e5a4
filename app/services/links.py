"""Sign-in links: single use, 15 minutes, stored as SHA-256.

Asking for a link only queues a mail. The email is looked up when the mail is composed, so that neither the answer nor
its timing shows whether the email is known.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.domain.actors import Member
from app.domain.commands import Command, Email, validate
from app.domain.emails import email_key, local_part
from app.domain.errors import AppError, not_found
from app.domain.ids import digest, new_secret
from app.domain.security_events import NOBODY, Concerned, SecurityEvent
from app.models import Instance, MagicLink, MailKind, Org, User
from app.services import known_browsers, mail
from app.services.invitations import join
from app.services.orgs import create_org_with_owner, require_free
from app.services.sessions import SignedIn, end_all, is_proven, start_session
from app.services.throttling import Purpose, count_mail, count_of_browser, has_room
from app.store import instance, invitations, links, people
from app.store.unit_of_work import UnitOfWork

LIFETIME = timedelta(minutes=15)
EXTENDABLE_FOR = timedelta(hours=1)  # how long after it was mailed a link can be given another lifetime


class RequestMagicLink(Command, json_schema_extra={"examples": [{"email": "ada@acme.example"}]}):
    """Where the link goes."""

    email: Email


class RedeemLink(
    Command, json_schema_extra={"examples": [{"token": "sbl_EXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPLEE"}]}
):
    """The secret of a sign-in link: what follows `?t=`."""

    token: str


async def request_link(uow: UnitOfWork, body: object, next_path: str | None = None) -> None:
    """Queues a mail with a link. Raises `rate_limited`, whether or not the email is known.

    A browser that has signed in with the email before has an allowance of its own. For any other, a mailbox that has
    had its mails of the hour gets none, but its newest link lives on: nobody can keep its owner from signing in.
    """
    command = validate(RequestMagicLink, body)
    if (known := await known_browsers.find(uow, command.email)) is not None:
        await count_of_browser(uow, known.browser_hash, command.email)
    else:
        await count_mail(uow, Purpose.MAGIC_LINK, command.email)
    wanted = known is not None or await has_room(uow, command.email)
    await uow.begin_write()
    if wanted:
        ask(uow, MailKind.SIGN_IN, command.email, next_path=next_path)
    else:
        await _extend_newest(uow, email_key(command.email))


async def _extend_newest(uow: UnitOfWork, key: str) -> None:
    """Gives the last link that was mailed to the email within the hour another lifetime, if none was used since."""
    await uow.lock_email(key)  # as a sign-in does, which may be ending the link
    made = await links.of_email(uow.session, key, uow.now - 2 * EXTENDABLE_FOR)
    newest = next((one for one in made if one.mailed and one.signup is None), None)
    if (
        newest is None
        or newest.created_at <= uow.now - EXTENDABLE_FOR
        or newest.expires_at < newest.created_at + LIFETIME
    ):
        return  # there is none, it is old, or it was ended
    if not any(one.used_at is not None and one.used_at >= newest.created_at for one in made):
        newest.expires_at = uow.now + LIFETIME


def ask(uow: UnitOfWork, kind: MailKind, email: str, **carried: Any) -> None:
    """Queues the mail that will hold a link, within the current write."""
    browser_hash = None if uow.client.browser is None else digest(uow.client.browser)
    mail.enqueue(uow, kind, email, browser_hash=browser_hash, **carried)


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


@dataclass(frozen=True, slots=True)
class Opened:
    """A link as whoever opens it finds it.

    `spent`: they are signed in already, as the link's person, and it could do nothing more for them. `at_once`: it may
    be redeemed without a button, by the browser that asked for it, or because the operator printed it.
    """

    link: MagicLink
    spent: bool
    at_once: bool


async def open_link(uow: UnitOfWork, secret: str) -> Opened:
    """What opening the link leads to. Changes nothing, and raises what redeeming it would."""
    link = await _by_secret(uow, secret)
    viewer = await people.user(uow.session, uow.actor.user_id) if isinstance(uow.actor, Member) else None
    if viewer is not None and viewer.email_key == link.email_key and _is_spent(link, viewer):
        return Opened(link, spent=True, at_once=False)
    known = await _require_live(uow, link)
    if link.signup is not None:
        await require_free(uow, link.signup["orgSlug"])
    elif known is None and not await invitations.pending_for(uow.session, link.email_key, uow.now):
        raise _refusal(uow, AppError("no_invitation"))
    browser = uow.client.browser
    asked_here = browser is not None and link.browser_hash == digest(browser)
    return Opened(link, spent=False, at_once=asked_here or not link.mailed)


def _is_spent(link: MagicLink, viewer: User) -> bool:
    return link.used_at is not None or (link.signup is None and (is_proven(viewer) or not link.mailed))


async def redeem(uow: UnitOfWork, body: object) -> SignedIn:
    """Signs in whoever has the link's email; who is new must be invited, or have signed up.

    The email's other links end. Raises `magic_link_invalid`, `magic_link_used`, `magic_link_expired`, `no_invitation`,
    `slug_unavailable`. The email is locked, so that of two redemptions of a link one wins, and of two links to a new
    email one makes the user.
    """
    command = validate(RedeemLink, body)
    link = await _by_secret(uow, command.token)
    await uow.begin_write()
    await uow.lock_email(link.email_key)
    link = await _by_secret(uow, command.token)
    known = await _require_live(uow, link)
    link.used_at = uow.now
    await uow.flush()
    await links.end_all(uow.session, link.email_key, uow.now)
    invited = await _locked_invitations(uow, link) if known is None else []
    if known is None and link.signup is None and not invited:
        raise _refusal(uow, AppError("no_invitation"))
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
        raise _refusal(uow, AppError("magic_link_invalid"))
    return found


async def _require_live(uow: UnitOfWork, link: MagicLink) -> User | None:
    """The link's person, None for somebody new. Raises the reason why the link signs nobody in any more."""
    known = await people.user_by_email(uow.session, link.email_key)
    if link.used_at is not None:
        raise _refusal(uow, AppError("magic_link_used"), known)
    if link.expires_at <= uow.now:
        raise _refusal(uow, AppError("magic_link_expired"), known)
    if known is None and not link.mailed:  # the user of the operator's link is gone, and it proves no mailbox
        raise _refusal(uow, AppError("magic_link_invalid"))
    if known is not None and known.deleted_at is not None:
        raise _refusal(uow, AppError("magic_link_invalid"), known)
    return known


def _refusal(uow: UnitOfWork, error: AppError, known: User | None = None) -> AppError:
    """What whoever is not signed in is told; the audit counts it. By id: emails would outlive a purge in memory."""
    concerned = NOBODY if known is None else Concerned(type="user", id=known.id)
    uow.note_refusal(SecurityEvent.SIGN_IN_FAILED, error.code, concerned)
    return error


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
