"""The instance's one row."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Instance

ID = 1


async def find(session: AsyncSession) -> Instance | None:
    """The row, or None on a database that was never started with."""
    return await session.get(Instance, ID)


async def get(session: AsyncSession) -> Instance:
    """The row, on a database that was."""
    return await session.get_one(Instance, ID)
