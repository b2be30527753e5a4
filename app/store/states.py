"""Queries for states: what primitives hold in environments, and what their rules refer to."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, func, not_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.domain.usage import stale_before
from app.engine.kinds import Kind
from app.models import Environment, Primitive, State
from app.store.engines.prepared import Prepared
from app.store.engines.texts import octets
from app.store.identities import Filter, filtered, sorted_by
from app.store.paging import Page, Sort, Window, one_of, pages
from app.store.pieces import all_rows, pieces
from app.store.proposals import Visible, waiting_in
from app.store.usage import is_stale

_STATE = Prepared(
    select(State).where(
        col(State.environment_id) == bindparam("environment_id"),
        col(State.primitive_id) == bindparam("primitive_id"),
        col(State.to_version).is_(None),
    )
)
_CURRENT = (
    select(Primitive, State)
    .join(State, col(State.primitive_id) == col(Primitive.id))
    .where(col(State.to_version).is_(None))
)


def is_present_state() -> ColumnElement[bool]:
    """Of the primitive in the environment that a query has."""
    return and_(
        col(State.environment_id) == col(Environment.id),
        col(State.primitive_id) == col(Primitive.id),
        col(State.to_version).is_(None),
    )


class Current(NamedTuple):
    """A primitive and its present state in one environment."""

    primitive: Primitive
    state: State


async def current(session: AsyncSession, environment_id: str, primitive: Primitive) -> Current:
    """The primitive's present state in an environment of its project."""
    ((state,),) = await _STATE.rows(session, environment_id=environment_id, primitive_id=primitive.id)
    return Current(primitive, state)


async def at_version(session: AsyncSession, environment_id: str, primitive_id: str, version: int) -> State | None:
    """The primitive's state at a version of the environment; None where it had none."""
    query = select(State).where(
        col(State.environment_id) == environment_id,
        col(State.primitive_id) == primitive_id,
        col(State.from_version) <= version,
        or_(col(State.to_version).is_(None), col(State.to_version) > version),
    )
    return (await session.execute(query)).scalar_one_or_none()


async def all_at_version(
    session: AsyncSession, environment_id: str, primitive_ids: Collection[str], version: int
) -> Mapping[str, State]:
    """By primitive, what `at_version` gives; those are left out that had no state."""
    query = select(State).where(
        col(State.environment_id) == environment_id,
        col(State.primitive_id).in_(primitive_ids),
        col(State.from_version) <= version,
        or_(col(State.to_version).is_(None), col(State.to_version) > version),
    )
    return {state.primitive_id: state for state in (await session.execute(query)).scalars()}


async def texts(session: AsyncSession, environment_id: str, primitive_id: str) -> tuple[str, str] | None:
    """The default value and the rules of the primitive's present state, as text; None where the environment is gone."""
    query = select(col(State.default_value), col(State.rules)).where(
        col(State.environment_id) == environment_id,
        col(State.primitive_id) == primitive_id,
        col(State.to_version).is_(None),
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0] or "", row[1])


async def versions(session: AsyncSession, primitive_id: str) -> frozenset[tuple[str, int]]:
    """Of the primitive's present states the ids, and the versions that they are from: other content has others."""
    query = select(col(State.id), col(State.from_version)).where(
        col(State.primitive_id) == primitive_id, col(State.to_version).is_(None)
    )
    return frozenset((row[0], row[1]) for row in (await session.execute(query)).all())


async def sizes(session: AsyncSession, primitive_id: str) -> dict[str, int]:
    """The bytes of the primitive's present state in each environment, by its id."""
    size = octets(col(State.rules)) + func.coalesce(octets(col(State.default_value)), 0) + col(State.entry_bytes)
    query = select(col(State.environment_id), size).where(
        col(State.primitive_id) == primitive_id, col(State.to_version).is_(None)
    )
    return {row[0]: row[1] for row in (await session.execute(query)).all()}


async def list_current(
    session: AsyncSession, environment: Environment, chosen: Filter, window: Window, visible: Visible
) -> Page[Current]:
    """The present states of an environment's primitives. `visible` are the proposals that the caller sees."""
    return (await lists_current(session, [environment], chosen, window, visible))[environment.id]


async def lists_current(
    session: AsyncSession, environments: Collection[Environment], chosen: Filter, window: Window, visible: Visible
) -> Mapping[str, Page[Current]]:
    """For each of the environments, by id, what `list_current` gives."""
    project_ids = {environment.project_id for environment in environments}
    query = filtered(_CURRENT, chosen, project_ids)
    row_id = col(State.primitive_id)
    if not chosen.begins_with_states:  # indexes of primitives begin with the project
        query, row_id = query.where(one_of(col(Primitive.project_id), project_ids)), col(Primitive.id)
    if chosen.standing is not None:
        query = query.where(col(State.standing) == chosen.standing)
    if chosen.updated_by is not None:
        query = query.where(col(State.updated_by_id) == chosen.updated_by)
    if chosen.has_open_proposal is not None:
        waiting = tuple_(col(State.environment_id), col(State.primitive_id)).in_(waiting_in(environments, visible))
        query = query.where(waiting if chosen.has_open_proposal else not_(waiting))
    if chosen.stale is not None:
        query = is_stale(query, environments, stale_before(visible.at, chosen.stale_days), wanted=chosen.stale)
    sort: Sort[Current] = sorted_by(
        chosen.sorting, lambda one: one.primitive, col(State.updated_at), lambda one: one.state.updated_at
    )
    parents = col(State.environment_id), [environment.id for environment in environments]
    return await pages(session, query, parents, row_id, window, lambda row: Current(row[0], row[1]), sort)


async def currents(
    session: AsyncSession, environment_id: str, asked: Collection[tuple[Kind, str]]
) -> dict[tuple[Kind, str], Current]:
    """The present states of the primitives with these kinds and keys, by these."""
    found: dict[tuple[Kind, str], Current] = {}
    query = _CURRENT.where(col(State.environment_id) == environment_id)
    for piece in pieces(sorted({key for _, key in asked}), 1000):
        for row in await all_rows(session, query.where(col(Primitive.key).in_(piece))):
            found[row[0].kind, row[0].key] = Current(row[0], row[1])
    return {of: found[of] for of in asked if of in found}


async def all_current(session: AsyncSession, environment_id: str) -> Sequence[Current]:
    """All present states of an environment, whatever their kind."""
    query = _CURRENT.where(col(State.environment_id) == environment_id).order_by(col(Primitive.id))
    return [Current(row[0], row[1]) for row in await all_rows(session, query)]
