"""Queries for sessions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Session, User
from app.store.paging import Page, Window, page

_IDS_A_STATEMENT = 1000


async def live(session: AsyncSession, secret_hash: str, at: datetime) -> tuple[Session, User] | None:
    """The session of the secret and its user, unless it has expired by `at` or the user is gone."""
    return await _live(session, col(Session.secret_hash) == secret_hash, at)


async def live_by_id(session: AsyncSession, session_id: str, at: datetime) -> tuple[Session, User] | None:
    """The session and its user, unless it has expired by `at` or the user is gone."""
    return await _live(session, col(Session.id) == session_id, at)


async def _live(session: AsyncSession, which: ColumnElement[bool], at: datetime) -> tuple[Session, User] | None:
    query = (
        select(Session, User)
        .join(User, col(User.id) == col(Session.user_id))
        .where(which, col(Session.expires_at) > at, col(User.deleted_at).is_(None))
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def list_of_user(session: AsyncSession, user_id: str, at: datetime, window: Window) -> Page[Session]:
    """The user's sessions that have not expired by `at`, oldest first."""
    query = select(Session).where(col(Session.user_id) == user_id, col(Session.expires_at) > at)
    return await page(session, query, col(Session.id), window, lambda row: row[0])


async def of_user(session: AsyncSession, user_id: str, ids: Iterable[str]) -> list[Session]:
    """Which of the sessions are the user's."""
    query = select(Session).where(col(Session.id).in_(ids), col(Session.user_id) == user_id)
    return list((await session.execute(query)).scalars())


async def slide(session: AsyncSession, uses: Mapping[str, datetime], lifetime: timedelta, longest: timedelta) -> None:
    """Moves the ends of sessions on from when they were used last, to `longest` after their beginning at most.

    Sessions that are gone by now are skipped.
    """
    began = await _beginnings(session, sorted(uses))
    query = update(Session).where(col(Session.id) == bindparam("used"))
    query = query.values(last_seen_at=bindparam("at"), expires_at=bindparam("until"))
    rows = [
        {"used": one, "at": uses[one], "until": min(uses[one] + lifetime, at + longest)} for one, at in began.items()
    ]
    if rows:
        await (await session.connection()).execute(query, rows)


async def _beginnings(session: AsyncSession, ids: Sequence[str]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for start in range(0, len(ids), _IDS_A_STATEMENT):
        query = select(col(Session.id), col(Session.created_at))
        rows = await session.execute(query.where(col(Session.id).in_(ids[start : start + _IDS_A_STATEMENT])))
        found |= {row[0]: row[1] for row in rows}
    return found


async def end(session: AsyncSession, session_id: str) -> None:
    """Deletes the session; nothing happens when it is gone."""
    await session.execute(delete(Session).where(col(Session.id) == session_id))


async def end_all(session: AsyncSession, user_id: str) -> None:
    """Deletes all sessions of the user."""
    await session.execute(delete(Session).where(col(Session.user_id) == user_id))


async def end_others(session: AsyncSession, user_id: str, kept_id: str) -> None:
    """Deletes all sessions of the user but one."""
    await session.execute(delete(Session).where(col(Session.user_id) == user_id, col(Session.id) != kept_id))


async def sweep(session: AsyncSession, before: datetime) -> None:
    """Deletes sessions that expired before the instant."""
    await session.execute(delete(Session).where(col(Session.expires_at) < before))
