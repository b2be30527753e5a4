"""Queries for what two environments of a project hold differently: only that is read, however much they have alike."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.engine.kinds import Kind
from app.engine.target_ids import EntryChange
from app.models import Primitive, State, StateEntry
from app.store.pieces import all_rows


class Texts(NamedTuple):
    """What a state holds in columns."""

    default_value: str | None
    rules: str
    killed: bool


class Differing(NamedTuple):
    """What one primitive's states hold differently: both texts, where any is another one, perhaps of the same value;
    and by list what the other environment's would get and lose to be this one's."""

    kind: Kind
    key: str
    texts: tuple[Texts, Texts] | None
    entries: Mapping[str, EntryChange]


async def differing(
    session: AsyncSession, environment_id: str, other_id: str, primitive_ids: Collection[str] | None = None
) -> list[Differing]:
    """What differs of each primitive, or of some, in no order."""
    rows = await _rows(session, environment_id, other_id, primitive_ids)
    texts = {row[:3]: (Texts(*row[3:6]), Texts(*row[6:])) for row in rows}
    added = await _entries(session, environment_id, other_id, primitive_ids)
    removed = await _entries(session, other_id, environment_id, primitive_ids)
    found = []
    for of in dict.fromkeys((*texts, *added, *removed)):
        lists = added[of].keys() | removed[of].keys()
        entries = {one: EntryChange(frozenset(added[of][one]), frozenset(removed[of][one])) for one in lists}
        found.append(Differing(Kind(of[1]), of[2], texts.get(of), entries))
    return found


async def _rows(
    session: AsyncSession, environment_id: str, other_id: str, primitive_ids: Collection[str] | None
) -> Collection[Any]:
    here, there = aliased(State), aliased(State)
    query = (
        _of_primitives(here, primitive_ids)
        .add_columns(*(col(one) for state in (here, there) for one in (state.default_value, state.rules, state.killed)))
        .join(there, col(there.primitive_id) == col(here.primitive_id))
        .where(
            col(here.environment_id) == environment_id,
            col(here.to_version).is_(None),
            col(there.environment_id) == other_id,
            col(there.to_version).is_(None),
            or_(
                col(here.rules) != col(there.rules),
                col(here.default_value) != col(there.default_value),
                col(here.killed) != col(there.killed),
            ),
        )
    )
    return await all_rows(session, query)


async def _entries(
    session: AsyncSession, environment_id: str, other_id: str, primitive_ids: Collection[str] | None
) -> defaultdict[Any, defaultdict[str, list[str]]]:
    """By primitive and list, the entries that are in one environment and not in the other."""
    here, there = aliased(StateEntry), aliased(StateEntry)
    same = and_(
        col(there.environment_id) == other_id,
        col(there.primitive_id) == col(here.primitive_id),
        col(there.list) == col(here.list),
        col(there.entry) == col(here.entry),
        col(there.to_version).is_(None),
    )
    query = (
        _of_primitives(here, primitive_ids)
        .add_columns(col(here.list), col(here.entry))
        .where(
            col(here.environment_id) == environment_id,
            col(here.to_version).is_(None),
            ~exists().where(same),
        )
    )
    found = defaultdict[Any, defaultdict[str, list[str]]](lambda: defaultdict(list))
    for *of, name, entry in await all_rows(session, query):
        found[tuple(of)][name].append(entry)
    return found


def _of_primitives(rows: Any, primitive_ids: Collection[str] | None) -> Select[*tuple[Any, ...]]:
    """The primitives of the rows, or some of them: id, kind and key."""
    query = (
        select(col(Primitive.id), col(Primitive.kind), col(Primitive.key))
        .select_from(rows)
        .join(Primitive, col(Primitive.id) == rows.primitive_id)
    )
    return query if primitive_ids is None else query.where(rows.primitive_id.in_(primitive_ids))
