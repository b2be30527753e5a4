"""How often flags and configs are evaluated in an environment, and which of them are stale."""

from collections.abc import Mapping
from datetime import datetime

from app.engine.kinds import KeyRef
from app.store import token_usage, usage
from app.store.token_usage import TokenRefusal
from app.store.unit_of_work import UnitOfWork
from app.store.usage import Counts


async def add(uow: UnitOfWork, environment_id: str, counts: Mapping[KeyRef, Counts]) -> None:
    """Adds counts of evaluations to those that are stored."""
    await uow.begin_write()
    await usage.add(uow.session, environment_id, counts)


async def note_tokens(
    uow: UnitOfWork, first_evaluations: Mapping[str, datetime], refusals: Mapping[str, TokenRefusal]
) -> None:
    """When tokens evaluated first, unless that is known already, and what they were refused last."""
    await uow.begin_write()
    await token_usage.add(uow.session, first_evaluations, refusals)
