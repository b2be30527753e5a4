"""Deletes what has had its day."""

from datetime import timedelta

from app.models import now
from app.store import links, mail, sessions
from app.store.unit_of_work import UnitOfWork

KEPT_LINKS = timedelta(days=1)  # so that for a while they are told to have expired, not to be unknown
KEPT_MAIL = timedelta(days=30)  # for the operator to see what could not be sent


async def sweep(uow: UnitOfWork) -> None:
    """Expired sessions and links, and mails that were given up long ago."""
    await uow.begin_write()
    at = now()
    await sessions.sweep(uow.session, at)
    await links.sweep(uow.session, at - KEPT_LINKS)
    await mail.sweep(uow.session, at - KEPT_MAIL)
