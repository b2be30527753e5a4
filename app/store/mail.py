"""Queries for the queue of mail."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Letter
from app.store.paging import Page, Window, page


async def next_due(session: AsyncSession, at: datetime) -> Letter | None:
    """The letter that has waited longest of those that are due."""
    query = (
        select(Letter)
        .where(col(Letter.due_at) <= at, col(Letter.given_up_at).is_(None))
        .order_by(col(Letter.due_at), col(Letter.id))
        .limit(1)
    )
    return (await session.execute(query)).scalar_one_or_none()


async def next_due_at(session: AsyncSession) -> datetime | None:
    """When there will be something to do."""
    query = select(func.min(col(Letter.due_at))).where(col(Letter.given_up_at).is_(None))
    return (await session.execute(query)).scalar_one_or_none()


async def claim(session: AsyncSession, letter: Letter, until: datetime) -> bool:
    """Keeps other nodes from the letter until the instant. False when one of them was faster."""
    query = (
        update(Letter)
        .where(col(Letter.id) == letter.id, col(Letter.attempts) == letter.attempts)
        .values(attempts=letter.attempts + 1, due_at=until)
    )
    return cast(CursorResult[Any], await session.execute(query)).rowcount == 1


async def put_off(session: AsyncSession, letter_id: str, **values: Any) -> None:
    """Notes what became of an attempt."""
    await session.execute(update(Letter).where(col(Letter.id) == letter_id).values(**values))


async def remove(session: AsyncSession, letter_id: str) -> None:
    """Deletes a letter that is done with."""
    await session.execute(delete(Letter).where(col(Letter.id) == letter_id))


async def list_all(session: AsyncSession, window: Window) -> Page[Letter]:
    """The queue, oldest first, with the letters that were given up."""
    return await page(session, select(Letter), col(Letter.id), window, lambda row: row[0])


async def sweep(session: AsyncSession, before: datetime) -> None:
    """Deletes letters that were given up before the instant."""
    await session.execute(delete(Letter).where(col(Letter.given_up_at) < before))
