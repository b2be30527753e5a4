"""Queries for organisations."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Org
from app.store.paging import Page, Window, page
from app.store.tenancy import Tenant, Tenanted

_ALL = Tenanted(select(Org))


async def by_slug(session: AsyncSession, slug: str) -> Org | None:
    """The organisation of the slug, whoever asks."""
    return (await session.execute(select(Org).where(col(Org.slug) == slug))).scalar_one_or_none()


async def by_id(session: AsyncSession, org_id: str) -> Org | None:
    return await session.get(Org, org_id)


async def list_for_tenant(session: AsyncSession, tenant: Tenant, window: Window) -> Page[Org]:
    """The tenant's organisations, in the order of their creation."""
    return await page(session, _ALL.of(tenant), col(Org.id), window, lambda row: row[0])
