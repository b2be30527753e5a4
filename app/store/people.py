"""Queries for users and their memberships."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Invitation, MagicLink, Membership, Org, QueuedMail, User
from app.store.paging import Page, Window, page


async def user_by_email(session: AsyncSession, email_key: str) -> User | None:
    """The user whose email compares equal, deleted ones included."""
    return (await session.execute(select(User).where(col(User.email_key) == email_key))).scalar_one_or_none()


async def user(session: AsyncSession, user_id: str) -> User | None:
    """The user as they are now, deleted or not; None for one who has been erased."""
    return await session.get(User, user_id, populate_existing=True)


async def memberships(session: AsyncSession, user_id: str) -> Sequence[tuple[Org, Membership]]:
    """The user's organisations with the membership in each, oldest membership first."""
    query = (
        select(Org, Membership)
        .join(Membership, col(Membership.org_id) == col(Org.id))
        .where(col(Membership.user_id) == user_id)
        .order_by(col(Membership.id))
    )
    return [(row[0], row[1]) for row in (await session.execute(query)).all()]


async def org_ids(session: AsyncSession, user_id: str) -> Sequence[str]:
    """The ids of the user's organisations."""
    query = select(col(Membership.org_id)).where(col(Membership.user_id) == user_id)
    return (await session.execute(query)).scalars().all()


class Resident(NamedTuple):
    """A user with their memberships, as the operator lists them."""

    user: User
    memberships: list[tuple[str, Membership]]  # with the organisation's slug


async def page_of_residents(session: AsyncSession, window: Window) -> Page[Resident]:
    """Users, deleted ones included, oldest first."""
    users = await page(session, select(User), col(User.id), window, lambda row: row[0])
    by_user: dict[str, list[tuple[str, Membership]]] = {one.id: [] for one in users.rows}
    query = (
        select(col(Org.slug), Membership)
        .join(Membership, col(Membership.org_id) == col(Org.id))
        .where(col(Membership.user_id).in_(by_user))
        .order_by(col(Membership.id))
    )
    for slug, membership in (await session.execute(query)).all():
        by_user[membership.user_id].append((slug, membership))
    residents = [Resident(one, by_user[one.id]) for one in users.rows]
    return Page(residents, users.has_next, users.has_previous, users.whole, users.list_id)


async def forget(session: AsyncSession, user: User) -> None:
    """Deletes the user, and nothing that others keep under the email."""
    await session.execute(delete(User).where(col(User.id) == user.id))


async def erase(session: AsyncSession, user: User) -> None:
    """Deletes the user and all that is kept under the email."""
    for table in (QueuedMail, MagicLink, Invitation):
        await session.execute(delete(table).where(col(table.email_key) == user.email_key))
    await forget(session, user)
