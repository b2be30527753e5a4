"""Queries for the queue of mail."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import QueuedMail
from app.store.paging import Page, Window, page


async def next_due(session: AsyncSession, at: datetime) -> QueuedMail | None:
    """The mail that has waited longest of those that are due; before all news, of which there may be thousands, what
    somebody waits for."""
    due = (
        select(QueuedMail)
        .where(col(QueuedMail.due_at) <= at, col(QueuedMail.given_up_at).is_(None))
        .order_by(col(QueuedMail.due_at), col(QueuedMail.id))
        .limit(1)
    )
    first = (await session.execute(due.where(col(QueuedMail.user_id).is_(None)))).scalar_one_or_none()
    return first or (await session.execute(due)).scalar_one_or_none()


async def next_due_at(session: AsyncSession) -> datetime | None:
    """When there will be something to do."""
    query = select(func.min(col(QueuedMail.due_at))).where(col(QueuedMail.given_up_at).is_(None))
    return (await session.execute(query)).scalar_one_or_none()


async def number_waiting(session: AsyncSession) -> int:
    """How many are to be sent, now or later."""
    query = select(func.count()).select_from(QueuedMail).where(col(QueuedMail.given_up_at).is_(None))
    return (await session.execute(query)).scalar_one()


async def claim(session: AsyncSession, queued: QueuedMail, until: datetime) -> bool:
    """Keeps other nodes from the mail until the instant. False when one of them was faster."""
    query = (
        update(QueuedMail)
        .where(col(QueuedMail.id) == queued.id, col(QueuedMail.attempts) == queued.attempts)
        .values(attempts=queued.attempts + 1, due_at=until)
    )
    return cast(CursorResult[Any], await session.execute(query)).rowcount == 1


async def put_off(session: AsyncSession, letter_id: str, **values: Any) -> None:
    """Records the result of a failed attempt."""
    await session.execute(update(QueuedMail).where(col(QueuedMail.id) == letter_id).values(**values))


async def remove(session: AsyncSession, letter_id: str) -> None:
    """Deletes a mail that needs no further attempt."""
    await session.execute(delete(QueuedMail).where(col(QueuedMail.id) == letter_id))


async def list_all(session: AsyncSession, window: Window) -> Page[QueuedMail]:
    """The queue, oldest first, with the mails that were given up."""
    return await page(session, select(QueuedMail), col(QueuedMail.id), window, lambda row: row[0])


async def sweep(session: AsyncSession, before: datetime) -> None:
    """Deletes mails that were given up before the instant."""
    await session.execute(delete(QueuedMail).where(col(QueuedMail.given_up_at) < before))
