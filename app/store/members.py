"""Queries for the members of organisations."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import Role
from app.models import ApiKey, Membership, User
from app.store.paging import Page, Window, page


class Member(NamedTuple):
    """A person in an organisation."""

    membership: Membership
    user: User


_MEMBERS = (
    select(Membership, User).join(User, col(User.id) == col(Membership.user_id)).where(col(User.deleted_at).is_(None))
)


async def find(session: AsyncSession, org_id: str, user_id: str) -> Member | None:
    """The user as a member of the organisation."""
    query = _MEMBERS.where(col(Membership.org_id) == org_id, col(User.id) == user_id)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else Member(row[0], row[1])


async def hold(session: AsyncSession, org_id: str, user_id: str) -> Member | None:
    """The member, who cannot leave before the transaction ends."""
    locked = _MEMBERS.where(col(Membership.org_id) == org_id, col(User.id) == user_id)
    row = (await session.execute(locked.with_for_update(read=True, of=Membership))).one_or_none()
    return None if row is None else Member(row[0], row[1])


async def user_ids(session: AsyncSession, org_id: str, user_ids: Iterable[str]) -> set[str]:
    """Which of the users are members of the organisation."""
    query = _MEMBERS.where(col(Membership.org_id) == org_id, col(User.id).in_(list(user_ids)))
    return set((await session.execute(query.with_only_columns(col(User.id)))).scalars())


async def list_of_org(session: AsyncSession, org_id: str, window: Window) -> Page[Member]:
    """The organisation's members, in the order of their joining."""
    query = _MEMBERS.where(col(Membership.org_id) == org_id)
    return await page(session, query, col(Membership.id), window, lambda row: Member(row[0], row[1]))


async def tokens_of(session: AsyncSession, org_id: str, user_id: str, at: datetime) -> Sequence[ApiKey]:
    """The organisation's tokens that the user minted and that are valid at the instant."""
    live = or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > at)
    query = select(ApiKey).where(col(ApiKey.org_id) == org_id, col(ApiKey.minter_id) == user_id, live)
    return (await session.execute(query.order_by(col(ApiKey.id)))).scalars().all()


async def orgs_with_owners_beside(session: AsyncSession, org_ids: Iterable[str], user_id: str) -> set[str]:
    """Which of the organisations have an active owner other than the user."""
    query = (
        select(col(Membership.org_id))
        .join(User, col(User.id) == col(Membership.user_id))
        .where(
            col(Membership.org_id).in_(org_ids),
            col(Membership.role) == Role.OWNER,
            col(Membership.user_id) != user_id,
            col(User.deleted_at).is_(None),
        )
        .group_by(col(Membership.org_id))
    )
    return set((await session.execute(query)).scalars())
