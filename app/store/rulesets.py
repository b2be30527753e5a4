"""All that a ruleset is made of, read at one moment."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Environment, Org, Project
from app.store import primitives
from app.store.primitives import Current

DEFAULT_TARGET_ID_FIELD = "userId"


class RulesetRows(NamedTuple):
    """An environment, the field that ids are taken from, and all its present states."""

    environment: Environment
    target_id_field: str
    states: Sequence[Current]


async def load(session: AsyncSession, environment_id: str) -> RulesetRows | None:
    """The rows of an environment's present ruleset; None when there is no such environment."""
    query = (
        select(Environment, Project, Org)
        .join(Project, col(Project.id) == col(Environment.project_id))
        .join(Org, col(Org.id) == col(Project.org_id))
        .where(col(Environment.id) == environment_id)
    )
    if (row := (await session.execute(query)).one_or_none()) is None:
        return None
    environment, project, org = row
    field = project.target_id_field or org.default_target_id_field or DEFAULT_TARGET_ID_FIELD
    return RulesetRows(environment, field, await primitives.all_current(session, environment_id))
