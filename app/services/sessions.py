"""Sessions: who is signed in by which cookie. A secret is shown once and stored as its SHA-256."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.access.caller import signed_in, user_of
from app.access.paging import Listing
from app.domain.actors import Actor, Member, Token
from app.domain.commands import NoBody, validate
from app.domain.errors import not_found
from app.domain.ids import digest, is_id, new_secret
from app.models import Membership, Org, Session, User
from app.store import people, sessions
from app.store.paging import Page
from app.store.unit_of_work import UnitOfWork

LIFETIME = timedelta(days=30)


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
    await sessions.slide(uow.session, uses, LIFETIME)
    uow.changes.invalidate(*uses)


def start_session(uow: UnitOfWork, user: User) -> SignedIn:
    """A session for the user, within the current write."""
    at, secret = uow.now, new_secret("sbs_")
    session = Session(
        user_id=user.id, secret_hash=digest(secret), created_at=at, last_seen_at=at, expires_at=at + LIFETIME
    )
    uow.add(session)
    return SignedIn(member_of(session, user), secret)


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
    return await sessions.list_of_user(uow.session, signed_in(uow).user_id, uow.now, listing.window())


async def sessions_by_id(uow: UnitOfWork, ids: Iterable[str]) -> list[Session]:
    """Which of the sessions are the caller's."""
    return await sessions.of_user(uow.session, uow.actor.user_id, ids) if isinstance(uow.actor, Member) else []


async def delete_session(uow: UnitOfWork, session_id: str, body: object) -> Session:
    """Ends one of the caller's sessions."""
    person = signed_in(uow)
    found = await sessions.of_user(uow.session, person.user_id, [session_id]) if is_id(session_id) else []
    if not found:
        raise not_found("session")
    validate(NoBody, body)
    await uow.begin_write()
    await sessions.end(uow.session, session_id)
    uow.changes.invalidate(session_id)
    return found[0]


def is_own(actor: Actor, session: Session) -> bool:
    """Whether it is the session that the caller comes with."""
    return isinstance(actor, Member) and actor.session_id == session.id


async def sign_out(uow: UnitOfWork, body: object) -> None:
    """Ends the caller's session; a caller without one is signed out already."""
    validate(NoBody, body)
    if isinstance(uow.actor, Member):
        await uow.begin_write()
        await sessions.end(uow.session, uow.actor.session_id)
        uow.changes.invalidate(uow.actor.session_id)


async def end_all(uow: UnitOfWork, user_id: str) -> None:
    """Signs the user out everywhere, within the current write."""
    await sessions.end_all(uow.session, user_id)
    uow.changes.invalidate(user_id)
