"""Keyset pages: stable under inserts and deletes, for ids are ordered by creation."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, SQLColumnExpression, UnaryExpression, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased

from app.store.pieces import all_rows

T = TypeVar("T")
AnySelect = Select[*tuple[Any, ...]]

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list: up to `limit` rows after the id `after` or before the id `before`.

    `from_end` takes the last ones instead of the first. `name` tells the list with its filter, `parent_id` what it is
    below, unless the window is one of many lists.
    """

    limit: int = DEFAULT_LIMIT
    after: str | None = None
    before: str | None = None
    from_end: bool = False
    name: str = ""
    parent_id: str = ""

    def list_id(self, parent_id: str | None = None) -> str:
        """What tells the list from all others."""
        return f"{self.name} {self.parent_id if parent_id is None else parent_id}"

    def of(self, query: AnySelect, key: Mapped[str]) -> AnySelect:
        """The query between the bounds, in no order yet."""
        if self.after is not None:
            query = query.where(key > self.after)
        if self.before is not None:
            query = query.where(key < self.before)
        return query

    def order(self, key: Mapped[str]) -> UnaryExpression[str]:
        """The order of the query: from the end that is asked for."""
        return key.desc() if self.from_end else key.asc()

    def cut(self, rows: Sequence[T], whole: "WholeList", parent_id: str | None = None) -> "Page[T]":
        """The page of rows in `order`, of which there is one more than `limit` where there are more."""
        more, rows, list_id = len(rows) > self.limit, rows[: self.limit], self.list_id(parent_id)
        if self.from_end:
            return Page(rows[::-1], self.before is not None, more, whole, list_id)
        return Page(rows, more, self.after is not None, whole, list_id)


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
    """Rows in the list's order, and whether there are more on either side. Its cursors are those of `list_id`."""

    rows: Sequence[T]
    has_next: bool
    has_previous: bool
    whole: WholeList
    list_id: str


async def page(
    session: AsyncSession,
    query: AnySelect,
    key: Mapped[str],
    window: Window,
    make: Callable[[Any], T],
) -> Page[T]:
    """The window of `query` in the order of `key`; `make` turns a result row into what the list holds."""
    ordered = window.of(query, key).order_by(window.order(key)).limit(window.limit + 1)
    rows = await all_rows(await session.execute(ordered))
    return window.cut([make(row) for row in rows], WholeList(query))


async def pages(
    session: AsyncSession,
    query: AnySelect,
    parents: tuple[Mapped[str], Collection[str]],
    key: Mapped[str],
    window: Window,
    make: Callable[[Any], T],
) -> Mapping[str, Page[T]]:
    """The window in each of many lists: a page for each of the `parents`, whose entities `query` selects."""
    parent, owners = parents
    query = query.where(parent.in_(owners))
    if len(owners) == 1:  # without looking at the whole list, as ranking does
        return {owner: await page(session, query, key, window, make) for owner in owners}
    rows: dict[str, list[T]] = {owner: [] for owner in owners}
    for row in await all_rows(await session.execute(_ranked(query, parent, key, window))):
        rows[row.parent_].append(make(row))
    return {owner: window.cut(rows[owner], WholeList(query, parent, owner), owner) for owner in rows}


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


def _ranked(query: AnySelect, parent: Mapped[str], key: Mapped[str], window: Window) -> AnySelect:
    place = func.row_number().over(partition_by=parent, order_by=window.order(key))
    ranked = window.of(query, key).add_columns(parent.label("parent_"), place.label("place_")).subquery()
    entities = [aliased(one["entity"], ranked) for one in query.column_descriptions]
    cut: AnySelect = select(*entities, ranked.c.parent_).where(ranked.c.place_ <= window.limit + 1)
    return cut.order_by(ranked.c.parent_, ranked.c.place_)
