"""Queries for tokens."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import ApiKey, Org
from app.store.paging import Page, Window, page


class ApiKeyWithLimit(NamedTuple):
    """A token and its organisation's rate limit."""

    row: ApiKey
    org_limit: int


async def by_secret(session: AsyncSession, secret_hash: str) -> ApiKeyWithLimit | None:
    """The token of the secret, expired or not, with its organisation's limit."""
    return await _with_limit(session, col(ApiKey.secret_hash) == secret_hash)


async def by_id(session: AsyncSession, token_id: str) -> ApiKeyWithLimit | None:
    """The token, expired or not, with its organisation's limit."""
    return await _with_limit(session, col(ApiKey.id) == token_id)


async def _with_limit(session: AsyncSession, which: ColumnElement[bool]) -> ApiKeyWithLimit | None:
    query = select(ApiKey, col(Org.max_rate_limit_per_min)).join(Org, col(Org.id) == col(ApiKey.org_id))
    row = (await session.execute(query.where(which))).one_or_none()
    return None if row is None else ApiKeyWithLimit(row[0], row[1])


async def of_org(session: AsyncSession, org_id: str, token_id: str) -> ApiKey | None:
    """The organisation's token of the id."""
    query = select(ApiKey).where(col(ApiKey.org_id) == org_id, col(ApiKey.id) == token_id)
    return (await session.execute(query)).scalar_one_or_none()


async def is_live(session: AsyncSession, token_id: str) -> bool:
    """Whether the token has not been revoked."""
    return (await session.execute(select(col(ApiKey.id)).where(col(ApiKey.id) == token_id))).first() is not None


async def list_of_org(session: AsyncSession, org_id: str, window: Window) -> Page[ApiKey]:
    query = select(ApiKey).where(col(ApiKey.org_id) == org_id)
    return await page(session, query, col(ApiKey.id), window, lambda row: row[0])


async def note_uses(session: AsyncSession, uses: Mapping[str, datetime]) -> None:
    """When each token was last used. Tokens that are gone by now are skipped."""
    query = update(ApiKey).where(col(ApiKey.id) == bindparam("used")).values(last_used_at=bindparam("at"))
    connection = await session.connection()
    await connection.execute(query, [{"used": one, "at": at} for one, at in sorted(uses.items())])
