"""Queries for states: what primitives hold in environments, and what their rules refer to."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.engine.kinds import Kind
from app.engine.reference_graph import ReferenceGraph
from app.engine.references import Node, node
from app.models import Environment, Primitive, State, StateEntry, StateReference
from app.store.engines.texts import octets
from app.store.identities import Filter, filtered, sorted_by
from app.store.paging import Page, Sort, Window, one_of, pages
from app.store.pieces import all_rows

_SOUGHT_AT_ONCE = 1000

_STATE = select(State).where(
    col(State.environment_id) == bindparam("environment_id"),
    col(State.primitive_id) == bindparam("primitive_id"),
    col(State.to_version).is_(None),
)
_CURRENT = (
    select(Primitive, State)
    .join(State, col(State.primitive_id) == col(Primitive.id))
    .where(col(State.to_version).is_(None))
)


class Current(NamedTuple):
    """A primitive and its present state in one environment."""

    primitive: Primitive
    state: State


class EnvironmentGraph(NamedTuple):
    """All primitives of an environment with their kinds, and what each refers to."""

    kinds: dict[Node, Kind]
    graph: ReferenceGraph


async def current(session: AsyncSession, environment_id: str, primitive: Primitive) -> Current:
    """The primitive's present state in an environment of its project."""
    sought = {"environment_id": environment_id, "primitive_id": primitive.id}
    return Current(primitive, (await session.execute(_STATE, sought)).scalar_one())


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
    session: AsyncSession, environment: Environment, chosen: Filter, window: Window
) -> Page[Current]:
    """The present states of an environment's primitives."""
    return (await lists_current(session, [environment], chosen, window))[environment.id]


async def lists_current(
    session: AsyncSession, environments: Collection[Environment], chosen: Filter, window: Window
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
    sort: Sort[Current] = sorted_by(
        chosen.sorting, lambda one: one.primitive, col(State.updated_at), lambda one: one.state.updated_at
    )
    parents = col(State.environment_id), [environment.id for environment in environments]
    return await pages(session, query, parents, row_id, window, lambda row: Current(row[0], row[1]), sort)


async def all_current(session: AsyncSession, environment_id: str) -> Sequence[Current]:
    """All present states of an environment, whatever their kind."""
    rows = (
        await session.execute(_CURRENT.where(col(State.environment_id) == environment_id).order_by(col(Primitive.id)))
    ).all()
    return [Current(row[0], row[1]) for row in rows]


async def entries(session: AsyncSession, state: State) -> dict[str, frozenset[str]]:
    """The entries of the state's lists, by list."""
    query = select(col(StateEntry.list), col(StateEntry.entry)).where(*_current_entries(state))
    found: dict[str, set[str]] = {}
    for name, entry in await all_rows(await session.execute(query)):
        found.setdefault(name, set()).add(entry)
    return {name: frozenset(of_list) for name, of_list in found.items()}


async def entries_among(session: AsyncSession, state: State, name: str, sought: Collection[str]) -> frozenset[str]:
    """Those of the sought that a list of the state has."""
    query = select(col(StateEntry.entry)).where(*_current_entries(state), col(StateEntry.list) == name)
    found: set[str] = set()
    ahead = list(sought)
    for start in range(0, len(ahead), _SOUGHT_AT_ONCE):
        piece = ahead[start : start + _SOUGHT_AT_ONCE]
        found.update((await session.execute(query.where(col(StateEntry.entry).in_(piece)))).scalars())
    return frozenset(found)


def _current_entries(state: State) -> Sequence[ColumnElement[bool]]:
    return (
        col(StateEntry.environment_id) == state.environment_id,
        col(StateEntry.primitive_id) == state.primitive_id,
        col(StateEntry.to_version).is_(None),
    )


async def all_entries(session: AsyncSession, environment_id: str) -> Sequence[tuple[str, str, str]]:
    """The entries of all lists of an environment: primitive, list and entry of each."""
    query = select(col(StateEntry.primitive_id), col(StateEntry.list), col(StateEntry.entry)).where(
        col(StateEntry.environment_id) == environment_id, col(StateEntry.to_version).is_(None)
    )
    return await all_rows(await session.execute(query))


async def reference_graph(session: AsyncSession, environment_id: str) -> EnvironmentGraph:
    """Who refers to whom in the environment now."""
    primitives = (
        await session.execute(
            select(col(Primitive.id), col(Primitive.kind), col(Primitive.key))
            .join(Environment, col(Environment.project_id) == col(Primitive.project_id))
            .where(col(Environment.id) == environment_id, col(Primitive.deleted_at).is_(None))
        )
    ).all()
    targets: dict[str, set[Node]] = {primitive_id: set() for primitive_id, _, _ in primitives}
    query = select(
        col(StateReference.primitive_id), col(StateReference.target_kind), col(StateReference.target_key)
    ).where(col(StateReference.environment_id) == environment_id, col(StateReference.to_version).is_(None))
    for primitive_id, kind, key in (await session.execute(query)).all():
        targets[primitive_id].add(Node(kind, key))
    return EnvironmentGraph(
        {node(kind, key): Kind(kind) for _, kind, key in primitives},
        ReferenceGraph().with_changes({node(kind, key): targets[one] for one, kind, key in primitives}),
    )


async def graph_of_project(session: AsyncSession, project_id: str, source: Node, kind: Kind) -> EnvironmentGraph:
    """What rules of `source` could refer to in a project that has no environment: all that is there, and refers to
    nothing yet."""
    query = select(col(Primitive.kind), col(Primitive.key)).where(
        col(Primitive.project_id) == project_id, col(Primitive.deleted_at).is_(None)
    )
    kinds = {node(of, key): Kind(of) for of, key in (await session.execute(query)).all()} | {source: kind}
    return EnvironmentGraph(kinds, ReferenceGraph().with_changes(dict.fromkeys(kinds, ())))


async def referrers(session: AsyncSession, project_id: str, target: Node) -> dict[tuple[Kind, str], list[str]]:
    """What refers to the target in any environment of the project: kind and key, with the environments' keys."""
    query = (
        select(col(Primitive.kind), col(Primitive.key), col(Environment.key))
        .distinct()
        .join(StateReference, col(StateReference.primitive_id) == col(Primitive.id))
        .join(Environment, col(Environment.id) == col(StateReference.environment_id))
        .where(
            col(Environment.project_id) == project_id,
            col(StateReference.target_kind) == target.kind,
            col(StateReference.target_key) == target.key,
            col(StateReference.to_version).is_(None),
        )
        .order_by(col(Primitive.kind), col(Primitive.key), col(Environment.key))
    )
    found: dict[tuple[Kind, str], list[str]] = {}
    for kind, key, environment in (await session.execute(query)).all():
        found.setdefault((Kind(kind), key), []).append(environment)
    return found
