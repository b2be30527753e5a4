"""Sign-in links: single use, 15 minutes, stored as SHA-256."""

from datetime import timedelta

from app.domain.errors import AppError, not_found
from app.domain.ids import digest, new_secret
from app.domain.inputs import Command, validate
from app.models import MagicLink, now
from app.services.sessions import SignedIn, start_session
from app.store import people
from app.store.unit_of_work import UnitOfWork

LIFETIME = timedelta(minutes=15)


class RedeemLink(Command):
    """The secret of a sign-in link: what stands after `?t=`."""

    token: str


async def make_for_email(uow: UnitOfWork, email: str) -> str:
    """A link's secret for the operator to hand over. Raises `not_found`."""
    await uow.begin_write()
    user = await people.user_by_email(uow.session, people.email_key(email))
    if user is None or user.deleted_at is not None:
        raise not_found("user")
    secret = new_secret("sbl_")
    uow.add(MagicLink(user_id=user.id, secret_hash=digest(secret), expires_at=now() + LIFETIME))
    return secret


async def redeem(uow: UnitOfWork, body: object) -> SignedIn:
    """Signs the link's user in. Raises `magic_link_invalid`, `magic_link_used` or `magic_link_expired`.

    Of two redemptions at one moment one wins: whether it was used is read and set inside the write.
    """
    command = validate(RedeemLink, body)
    if (found := await people.link(uow.session, digest(command.token))) is None:
        raise AppError("magic_link_invalid")
    await uow.begin_write()
    await uow.lock(MagicLink, [found[0].id])
    found = await people.link(uow.session, digest(command.token))
    if found is None:
        raise AppError("magic_link_invalid")
    link, user = found
    if link.used_at is not None:
        raise AppError("magic_link_used")
    if link.expires_at <= now():
        raise AppError("magic_link_expired")
    link.used_at = now()
    signed_in = start_session(uow, user)
    uow.actor = signed_in.member
    return signed_in
