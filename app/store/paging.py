"""Keyset pages: stable under inserts and deletes, for each entry has a place of its own in the order of the list."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    SQLColumnExpression,
    UnaryExpression,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased

from app.store.pieces import all_rows

T = TypeVar("T")
AnySelect = Select[*tuple[Any, ...]]

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


class Place(NamedTuple):
    """Where a row stands in its list: its id, after what the list is sorted by before that, if it is."""

    id: str
    value: int | str | None = None


@dataclass(frozen=True, slots=True)
class Sort(Generic[T]):
    """What a list is sorted by before the ids of its rows: a column, which `value_of` reads from an entry.

    Without a column it is sorted by ids alone, which is the order of creation.
    """

    column: Any = None
    value_of: Callable[[T], Any] = lambda _: None
    descending: bool = False

    def keys(self, id: Mapped[str]) -> list[SQLColumnExpression[Any]]:
        return [id] if self.column is None else [self.column, id]

    def beyond(self, id: Mapped[str], place: Place, *, forward: bool) -> ColumnElement[bool]:
        """The condition for what comes after the place, or before it."""
        here: Any = id
        there: Any = place.id
        if self.column is not None:
            value: Any = place.value
            if isinstance(self.column.type, DateTime):
                value = datetime.fromisoformat(value)
            here, there = tuple_(self.column, id), tuple_(literal(value, self.column.type), place.id)
        condition: ColumnElement[bool] = here > there if forward is not self.descending else here < there
        return condition


BY_ID: Sort[Any] = Sort()


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list: up to `limit` rows after the place `after` or before the place `before`.

    `from_end` takes the last ones instead of the first. `name` tells the list with its filter, `parent_id` what it is
    below, unless the window is one of many lists.
    """

    limit: int = DEFAULT_LIMIT
    after: Place | None = None
    before: Place | None = None
    from_end: bool = False
    name: str = ""
    parent_id: str = ""

    def list_id(self, parent_id: str | None = None) -> str:
        """What tells the list from all others."""
        return f"{self.name} {self.parent_id if parent_id is None else parent_id}"

    def of(self, query: AnySelect, id: Mapped[str], sort: Sort[Any]) -> AnySelect:
        """The query between the bounds, in no order yet."""
        if self.after is not None:
            query = query.where(sort.beyond(id, self.after, forward=True))
        if self.before is not None:
            query = query.where(sort.beyond(id, self.before, forward=False))
        return query

    def order(self, id: Mapped[str], sort: Sort[Any]) -> list[UnaryExpression[Any]]:
        """The order of the query: from the end that is asked for."""
        down = self.from_end is not sort.descending
        return [key.desc() if down else key.asc() for key in sort.keys(id)]

    def cut(self, rows: Sequence[T], whole: "WholeList", sort: Sort[T], parent_id: str | None = None) -> "Page[T]":
        """The page of rows in `order`, of which there is one more than `limit` where there are more."""
        more, rows, list_id = len(rows) > self.limit, rows[: self.limit], self.list_id(parent_id)
        if self.from_end:
            return Page(rows[::-1], self.before is not None, more, whole, list_id, sort.value_of)
        return Page(rows, more, self.after is not None, whole, list_id, sort.value_of)


@dataclass(frozen=True, slots=True, eq=False)
class WholeList:
    """What a page is a part of, to be counted where a caller wants to know.

    Where `query` is of many lists, this one is of the rows whose `parent` is `owner`.
    """

    query: AnySelect
    parent: SQLColumnExpression[str] | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in the list's order, and whether there are more on either side. Its cursors are those of `list_id`.

    `value_of` gives what the list is sorted by before ids.
    """

    rows: Sequence[T]
    has_next: bool
    has_previous: bool
    whole: WholeList
    list_id: str
    value_of: Callable[[T], Any] = BY_ID.value_of


def one_of(column: Any, values: Collection[str]) -> ColumnElement[bool]:
    """Whether the column has one of the values. Of a single one the databases know that it keeps an index's order."""
    found: ColumnElement[bool] = column == next(iter(values)) if len(values) == 1 else column.in_(values)
    return found


async def page(
    session: AsyncSession,
    query: AnySelect,
    id: Mapped[str],
    window: Window,
    make: Callable[[Any], T],
    sort: Sort[T] = BY_ID,
) -> Page[T]:
    """The window of `query`, whose rows have an `id`; `make` turns a result row into what the list holds."""
    ordered = window.of(query, id, sort).order_by(*window.order(id, sort)).limit(window.limit + 1)
    rows = await all_rows(session, ordered)
    return window.cut([make(row) for row in rows], WholeList(query), sort)


async def pages(
    session: AsyncSession,
    query: AnySelect,
    parents: tuple[Mapped[str], Collection[str]],
    id: Mapped[str],
    window: Window,
    make: Callable[[Any], T],
    sort: Sort[T] = BY_ID,
) -> Mapping[str, Page[T]]:
    """The window in each of many lists: a page for each of the `parents`, whose entities `query` selects."""
    parent, owners = parents
    query = query.where(one_of(parent, owners))
    if len(owners) == 1:  # without looking at the whole list, as ranking does
        return {owner: await page(session, query, id, window, make, sort) for owner in owners}
    rows: dict[str, list[T]] = {owner: [] for owner in owners}
    for row in await all_rows(session, _ranked(query, parent, id, window, sort)):
        rows[row.parent_].append(make(row))
    return {owner: window.cut(rows[owner], WholeList(query, parent, owner), sort, owner) for owner in rows}


async def counts(session: AsyncSession, lists: Sequence[WholeList]) -> list[int]:
    """How many rows each list has, by one statement for all lists of the same query."""
    totals: dict[tuple[AnySelect, str | None], int] = {}
    for query, parent in {one.query: one.parent for one in lists}.items():
        if parent is None:
            counted = select(func.count()).select_from(query.subquery())
            totals[query, None] = (await session.execute(counted)).scalar_one()
        else:
            grouped = query.with_only_columns(parent, func.count(), maintain_column_froms=True).group_by(parent)
            totals |= {(query, row[0]): row[1] for row in await session.execute(grouped)}
    return [totals.get((one.query, one.owner), 0) for one in lists]


def _ranked(query: AnySelect, parent: Mapped[str], id: Mapped[str], window: Window, sort: Sort[Any]) -> AnySelect:
    place = func.row_number().over(partition_by=parent, order_by=window.order(id, sort))
    ranked = window.of(query, id, sort).add_columns(parent.label("parent_"), place.label("place_")).subquery()
    entities = [
        ranked.c[one["name"]] if one["entity"] is None else aliased(one["entity"], ranked)
        for one in query.column_descriptions
    ]
    cut: AnySelect = select(*entities, ranked.c.parent_).where(ranked.c.place_ <= window.limit + 1)
    return cut.order_by(ranked.c.parent_, ranked.c.place_)
