"""Queries for the contexts that environments keep to try proposed changes on."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import SpotChecks


async def spot_checks_of(session: AsyncSession, environment_ids: Collection[str]) -> dict[str, SpotChecks]:
    """Those of the environments, by id, where any have been set."""
    query = select(SpotChecks).where(col(SpotChecks.environment_id).in_(environment_ids))
    return {row.environment_id: row for row in (await session.execute(query)).scalars()}
