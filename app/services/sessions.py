"""Sessions: who is signed in by which cookie. A secret is shown once and stored as its SHA-256."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.access.caller import signed_in, user_of
from app.access.paging import Listing
from app.domain import user_agents
from app.domain.actors import Actor, Member, Token
from app.domain.commands import NoBody, validate
from app.domain.errors import AppError, not_found
from app.domain.ids import digest, is_id, lowered, new_secret
from app.domain.security_events import SecurityEvent
from app.models import Membership, Org, Session, User
from app.services import known_browsers
from app.store import links, people, sessions
from app.store.paging import Page
from app.store.unit_of_work import Subject, UnitOfWork

LIFETIME = timedelta(days=30)  # from the last use
LONGEST = timedelta(days=180)  # from the sign-in, however it is used


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: whose it is, and the secret for the cookie."""

    member: Member
    secret: str


@dataclass(frozen=True, slots=True)
class Me:
    """A person with the organisations they are in."""

    actor: Member
    user: User
    memberships: list[tuple[Org, Membership]]


async def note_uses(uow: UnitOfWork, uses: Mapping[str, datetime]) -> None:
    """Moves the ends of sessions that are in use on from when they were used last."""
    await uow.begin_write()
    await sessions.slide(uow.session, uses, LIFETIME, LONGEST)
    uow.changes.invalidate(*uses)


async def start_session(uow: UnitOfWork, user: User) -> SignedIn:
    """A session for the user, who acts from now on, within the current write.

    Its cookie takes the place of the one that the caller came with, whose session ends.
    """
    if isinstance(uow.actor, Member):
        await _end(uow, uow.actor.session_id)
    at, secret, client = uow.now, new_secret("sbs_"), uow.client
    session = Session(
        user_id=user.id,
        secret_hash=digest(secret),
        browser=user_agents.name_of(client.user_agent),
        address=None if client.address is None else str(client.address),
        created_at=at,
        last_seen_at=at,
        expires_at=at + LIFETIME,
    )
    uow.add(session)
    await known_browsers.remember(uow, user)
    uow.actor = member_of(session, user)
    uow.record(SecurityEvent.SIGN_IN, Subject(None, "session", session.id, session.browser or ""))
    return SignedIn(uow.actor, secret)


def member_of(session: Session, user: User) -> Member:
    """The person as the policy sees them. Nothing of it changes while the session lasts but the name."""
    return Member(user.id, user.display_name, session.id, is_proven(user))


def is_proven(user: User) -> bool:
    """Whether it was shown that the mailbox is the user's."""
    return user.email_verified_at is not None


async def me_or_none(uow: UnitOfWork) -> Me | None:
    """The person who calls, or None when nobody is signed in."""
    return await me(uow) if isinstance(uow.actor, Member) else None


async def caller(uow: UnitOfWork) -> Me | Token:
    """Who calls: a person with their organisations, or a token."""
    return uow.actor if isinstance(uow.actor, Token) else await me(uow)


async def me(uow: UnitOfWork) -> Me:
    user = await user_of(uow)
    return Me(signed_in(uow), user, list(await people.memberships(uow.session, user.id)))


async def list_sessions(uow: UnitOfWork, listing: Listing) -> Page[Session]:
    """Where the caller is signed in."""
    user_id = signed_in(uow).user_id
    return await sessions.list_of_user(uow.session, user_id, uow.now, listing.window("sessions", user_id))


async def sessions_by_id(uow: UnitOfWork, ids: Iterable[str]) -> list[Session]:
    """Which of the sessions are the caller's."""
    return await sessions.of_user(uow.session, uow.actor.user_id, ids) if isinstance(uow.actor, Member) else []


async def delete_session(uow: UnitOfWork, session_id: str, body: object) -> Session:
    """Ends one of the caller's sessions."""
    person, session_id = signed_in(uow), lowered(session_id)
    found = await sessions.of_user(uow.session, person.user_id, [session_id]) if is_id(session_id) else []
    if not found:
        raise not_found("session")
    validate(NoBody, body)
    await uow.begin_write()
    await _end(uow, session_id)
    return found[0]


async def delete_other_sessions(uow: UnitOfWork, body: object) -> Session:
    """Ends all sessions of the caller but the one that they come with, which it gives, and the links that wait.

    Raises `unauthorized` where that has ended meanwhile, as by the same call from another one.
    """
    person = signed_in(uow)
    validate(NoBody, body)
    await uow.begin_write()
    key = (await user_of(uow)).email_key
    await uow.lock_email(key)  # as whoever gives a link another lifetime does
    await uow.lock(User, [person.user_id])
    if not (own := await sessions.of_user(uow.session, person.user_id, [person.session_id])):
        raise AppError("unauthorized")
    await sessions.end_others(uow.session, person.user_id, person.session_id)
    await links.end_all(uow.session, key, uow.now)
    uow.changes.invalidate(person.user_id)
    return own[0]


def is_own(actor: Actor, session: Session) -> bool:
    """Whether it is the session that the caller comes with."""
    return isinstance(actor, Member) and actor.session_id == session.id


async def sign_out(uow: UnitOfWork, body: object) -> None:
    """Ends the caller's session; a caller without one is signed out already."""
    validate(NoBody, body)
    if isinstance(uow.actor, Member):
        await uow.begin_write()
        await _end(uow, uow.actor.session_id)


async def _end(uow: UnitOfWork, session_id: str) -> None:
    await sessions.end(uow.session, session_id)
    uow.changes.invalidate(session_id)


async def end_all(uow: UnitOfWork, user_id: str) -> None:
    """Signs the user out everywhere, within the current write."""
    await sessions.end_all(uow.session, user_id)
    uow.changes.invalidate(user_id)
