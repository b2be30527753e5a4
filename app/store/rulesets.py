"""All that a ruleset is made of, read at one moment."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Environment
from app.store import states
from app.store.states import Current


class RulesetRows(NamedTuple):
    """An environment and all its present states."""

    environment: Environment
    states: Sequence[Current]


async def load(session: AsyncSession, environment_id: str) -> RulesetRows | None:
    """The rows of an environment's present ruleset; None when there is no such environment."""
    if (environment := await session.get(Environment, environment_id)) is None:
        return None
    return RulesetRows(environment, await states.all_current(session, environment_id))
