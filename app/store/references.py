"""Queries for what refers to a flag, config or segment."""

from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.actors import EnvironmentScope
from app.engine.references import Node
from app.models import Environment, Primitive, State, StateReference
from app.store import environments, identities
from app.store.paging import Page, Window, page


class Referrer(NamedTuple):
    """A state whose rules refer to a key, at the paths."""

    primitive: Primitive
    state: State
    environment: Environment
    paths: tuple[str, ...] = ()


async def list_referrers(
    session: AsyncSession,
    project_id: str,
    target: Node,
    window: Window,
    scope: EnvironmentScope | None,
    within: identities.Within,
) -> Page[Referrer]:
    """What refers to the target now, in the environments of the project that the scope covers.

    `within` are a token's resources for each kind; None for whoever sees all.
    """
    to_target = (
        col(StateReference.target_kind) == target.kind,
        col(StateReference.target_key) == target.key,
        col(StateReference.to_version).is_(None),
    )
    of_state = (
        col(StateReference.environment_id) == col(State.environment_id),
        col(StateReference.primitive_id) == col(State.primitive_id),
    )
    query = (
        select(Primitive, State, Environment)
        .join(State, col(State.primitive_id) == col(Primitive.id))
        .join(Environment, col(Environment.id) == col(State.environment_id))
        .where(
            col(Environment.project_id) == project_id,
            environments.covered(scope),
            col(State.to_version).is_(None),
            exists().where(*to_target, *of_state),
            identities.covered(within),
        )
    )
    found = await page(session, query, col(State.id), window, lambda row: Referrer(row[0], row[1], row[2]))
    paths = defaultdict[tuple[str, str], list[str]](list)
    places = select(
        col(StateReference.environment_id), col(StateReference.primitive_id), col(StateReference.path)
    ).where(*to_target, col(StateReference.primitive_id).in_({row.primitive.id for row in found.rows}))
    for environment_id, primitive_id, path in (await session.execute(places)).all():
        paths[environment_id, primitive_id].append(path)
    rows = [row._replace(paths=tuple(sorted(paths[row.environment.id, row.primitive.id]))) for row in found.rows]
    return replace(found, rows=rows)
