"""Queries for the entries of allow and deny lists: target ids, in the order of their characters."""

import string
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.engine.kinds import Dimension
from app.models import State, StateEntry
from app.store.engines.texts import by_code_point, holds
from app.store.paging import Page, Sort, Window, pages
from app.store.pieces import all_rows, pieces

_by_entry: Any = by_code_point(col(StateEntry.entry))
_BY_ENTRY: Sort[StateEntry] = Sort(_by_entry, lambda row: row.entry)
_SOUGHT_AT_ONCE = 1000
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


async def list_entries(
    session: AsyncSession,
    state_ids: Collection[str],
    dimension: Dimension,
    search: str | None,
    window: Window,
    version: int | None = None,
) -> Mapping[str, Page[StateEntry]]:
    """For each of the states, by id, a part of one of its lists, or of those entries that have a text in them; as they
    are, or as they were at a version.

    The text is looked for in upper and lower case of A to Z, the only letters of which both databases know the cases.
    """
    of_state = and_(
        col(State.environment_id) == col(StateEntry.environment_id),
        col(State.primitive_id) == col(StateEntry.primitive_id),
        col(State.to_version).is_(None),
    )
    query = select(StateEntry).join(State, of_state).where(col(StateEntry.list) == dimension.name, _valid(version))
    if search is not None:
        query = query.where(holds(func.lower(_by_entry), search.translate(_LOWER)))
    parents = col(State.id), state_ids
    # The id of a place must be one: within a list the primitive's is always the same.
    return await pages(session, query, parents, col(StateEntry.primitive_id), window, lambda row: row[0], _BY_ENTRY)


def _valid(version: int | None) -> ColumnElement[bool]:
    """The condition for entries that are in their list still, or were at the version."""
    still = col(StateEntry.to_version).is_(None)
    if version is None:
        return still
    return and_(col(StateEntry.from_version) <= version, or_(still, col(StateEntry.to_version) > version))


async def entries_of(session: AsyncSession, state: State) -> dict[str, frozenset[str]]:
    """The entries of the state's lists, by list."""
    query = select(col(StateEntry.list), col(StateEntry.entry)).where(*_current_entries(state))
    found: dict[str, set[str]] = {}
    for name, entry in await all_rows(session, query):
        found.setdefault(name, set()).add(entry)
    return {name: frozenset(of_list) for name, of_list in found.items()}


async def entries_at(session: AsyncSession, state: State, version: int) -> dict[str, list[str]]:
    """The entries that the state's lists had at a version of its environment, in the order of their characters."""
    query = select(col(StateEntry.list), col(StateEntry.entry)).where(
        col(StateEntry.environment_id) == state.environment_id,
        col(StateEntry.primitive_id) == state.primitive_id,
        col(StateEntry.from_version) <= version,
        or_(col(StateEntry.to_version).is_(None), col(StateEntry.to_version) > version),
    )
    found = defaultdict[str, list[str]](list)
    for name, entry in await all_rows(session, query):
        found[name].append(entry)
    return {name: sorted(of_list) for name, of_list in found.items()}


async def entries_among(session: AsyncSession, state: State, name: str, sought: Collection[str]) -> frozenset[str]:
    """Those of the sought that a list of the state has."""
    query = select(col(StateEntry.entry)).where(*_current_entries(state), col(StateEntry.list) == name)
    found: set[str] = set()
    for piece in pieces(list(sought), _SOUGHT_AT_ONCE):
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
    return await all_rows(session, query)
