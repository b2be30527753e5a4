"""The mail queue: use cases add mails in their own transaction, and the worker takes them, one by one.

A mail that is taken is kept from other nodes for a while; whoever took it says what became of it. One whose worker
died comes up again, so a mail may come twice, and none is lost.
"""

from datetime import datetime, timedelta
from typing import Any

from app.access.paging import Listing
from app.domain.emails import email_key
from app.models import MailKind, QueuedMail
from app.store import mail
from app.store.paging import Page
from app.store.unit_of_work import UnitOfWork

LEASE = timedelta(minutes=3)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
PATIENCE = timedelta(days=1)


def enqueue(uow: UnitOfWork, kind: MailKind, email: str, **values: Any) -> None:
    """The mail goes out when the current write has been committed, or later if it has a `due_at`."""
    uow.add(QueuedMail(**{"kind": kind, "email": email, "email_key": email_key(email), "due_at": uow.now, **values}))
    uow.on_commit(uow.host.wake_mail)


async def take(uow: UnitOfWork) -> QueuedMail | None:
    """The mail that has waited longest; None when none is due, or when another node was faster."""
    if await mail.next_due(uow.session, uow.now) is None:
        return None
    await uow.begin_write()
    queued = await mail.next_due(uow.session, uow.now)
    if queued is None or not await mail.claim(uow.session, queued, uow.now + LEASE):
        return None
    return queued


async def next_due_at(uow: UnitOfWork) -> datetime | None:
    """When the next mail is due; None if the queue is empty."""
    return await mail.next_due_at(uow.session)


async def done(uow: UnitOfWork, queued: QueuedMail) -> None:
    """Removes a mail that was sent, or that no longer has anybody to go to."""
    await uow.begin_write()
    await mail.remove(uow.session, queued.id)


async def failed(uow: UnitOfWork, queued: QueuedMail, why: str, *, for_good: bool) -> bool:
    """Retries after a pause that doubles, for a day; gives up at once if the attempt failed `for_good`.

    Gives whether it was given up.
    """
    await uow.begin_write()
    at = uow.now
    over = for_good or at - queued.created_at > PATIENCE
    pause = min(FIRST_PAUSE * 2 ** min(queued.attempts, 20), LONGEST_PAUSE)
    await mail.put_off(uow.session, queued.id, due_at=at + pause, last_error=why, given_up_at=at if over else None)
    return over


async def list_queued_mail(uow: UnitOfWork, listing: Listing) -> Page[QueuedMail]:
    return await mail.list_all(uow.session, listing.window("mail", ""))
