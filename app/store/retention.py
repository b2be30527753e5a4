"""What is deleted of the past of environments: whatever no present state needs, and nobody can ask for any more."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Environment, EnvironmentVersion, State, StateEntry, StateReference

VERSIONS_AT_ONCE = 100


async def environment_ids(session: AsyncSession) -> Sequence[str]:
    return (await session.execute(select(col(Environment.id)))).scalars().all()


async def sweep_versions(session: AsyncSession, environment_id: str, before: datetime) -> bool:
    """Deletes the oldest versions of an environment that were over at the instant, and what was valid in them alone.

    What was valid at the instant stays. False when there is nothing left to delete.
    """
    of_environment = col(EnvironmentVersion.environment_id) == environment_id
    versions = select(func.min(col(EnvironmentVersion.version)), func.max(col(EnvironmentVersion.version)))
    oldest = (await session.execute(versions.where(of_environment))).one()[0]
    kept = (await session.execute(versions.where(of_environment, col(EnvironmentVersion.at) <= before))).one()[1]
    if oldest is None or kept is None or oldest >= kept:
        return False
    last = min(kept, oldest + VERSIONS_AT_ONCE)
    for table in (State, StateEntry, StateReference):
        over = col(table.environment_id) == environment_id, col(table.to_version) <= last
        await session.execute(delete(table).where(*over))
    await session.execute(delete(EnvironmentVersion).where(of_environment, col(EnvironmentVersion.version) < last))
    return True
