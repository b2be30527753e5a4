"""Queries for the entries of allow and deny lists: target ids, in the order of their characters."""

import string
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.engine.kinds import Dimension
from app.models import State, StateEntry
from app.store.engines.texts import by_code_point, holds
from app.store.paging import Page, Sort, Window, pages

_by_entry: Any = by_code_point(col(StateEntry.entry))
_BY_ENTRY: Sort[StateEntry] = Sort(_by_entry, lambda row: row.entry)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


async def list_entries(
    session: AsyncSession, state_ids: Collection[str], dimension: Dimension, search: str | None, window: Window
) -> Mapping[str, Page[StateEntry]]:
    """For each of the states, by id, a part of one of its lists, or of those entries that have a text in them.

    The text is looked for in upper and lower case of A to Z, the only letters of which both databases know the cases.
    """
    of_state = and_(
        col(State.environment_id) == col(StateEntry.environment_id),
        col(State.primitive_id) == col(StateEntry.primitive_id),
        col(State.to_version).is_(None),
    )
    query = (
        select(StateEntry)
        .join(State, of_state)
        .where(col(StateEntry.list) == dimension.name, col(StateEntry.to_version).is_(None))
    )
    if search is not None:
        query = query.where(holds(func.lower(_by_entry), search.translate(_LOWER)))
    parents = col(State.id), state_ids
    # The id of a place must be one: within a list the primitive's is always the same.
    return await pages(session, query, parents, col(StateEntry.primitive_id), window, lambda row: row[0], _BY_ENTRY)
