"""Sessions: who is signed in by which cookie. A secret is shown once and stored as its SHA-256."""

from dataclasses import dataclass
from datetime import timedelta

from app.domain.actors import Member
from app.domain.ids import digest, new_secret
from app.models import Membership, Org, Session, User, now
from app.services.access import signed_in
from app.store import people
from app.store.unit_of_work import UnitOfWork

LIFETIME = timedelta(days=30)
SLIDES_AFTER = timedelta(days=1)


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


async def authenticate(uow: UnitOfWork, secret: str) -> Member | None:
    """Who the cookie's secret belongs to, or None. A session in use slides on, a day at a time."""
    at = now()
    if (found := await people.live_session(uow.session, digest(secret), at)) is None:
        return None
    session, user = found
    if at - session.last_seen_at > SLIDES_AFTER:
        await uow.begin_write()
        await people.slide_session(uow.session, session.id, at, at + LIFETIME)
    return Member(user.id, user.display_name, session.id)


def start_session(uow: UnitOfWork, user: User) -> SignedIn:
    """A session for the user, within the write that is going on."""
    at, secret = now(), new_secret("sbs_")
    session = Session(user_id=user.id, secret_hash=digest(secret), last_seen_at=at, expires_at=at + LIFETIME)
    uow.add(session)
    return SignedIn(Member(user.id, user.display_name, session.id), secret)


async def me_or_none(uow: UnitOfWork) -> Me | None:
    """The person who calls, or None when nobody is signed in."""
    return await me(uow) if isinstance(uow.actor, Member) else None


async def sign_out(uow: UnitOfWork) -> None:
    """Ends the caller's session; a caller without one is signed out already."""
    if isinstance(uow.actor, Member):
        await uow.begin_write()
        await people.end_session(uow.session, uow.actor.session_id)


async def me(uow: UnitOfWork) -> Me:
    """The person who calls."""
    person = signed_in(uow)
    user = await people.user(uow.session, person.user_id)
    return Me(person, user, list(await people.memberships(uow.session, user.id)))
