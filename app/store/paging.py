"""Keyset pages: stable under inserts and deletes, for ids are ordered by creation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

T = TypeVar("T")
AnySelect = Select[*tuple[Any, ...]]

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list: up to `limit` rows after the id `after` or before the id `before`.

    `from_end` takes the last ones instead of the first; `counted` asks for the number of all rows, too.
    """

    limit: int = DEFAULT_LIMIT
    after: str | None = None
    before: str | None = None
    from_end: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in the list's order, whether there are more on either side, and how many in all where asked for."""

    rows: Sequence[T]
    has_next: bool
    has_previous: bool
    total: int | None = None


async def page(
    session: AsyncSession,
    query: AnySelect,
    key: Mapped[str],
    window: Window,
    make: Callable[[Any], T],
) -> Page[T]:
    """The window of `query` in the order of `key`; `make` turns a result row into what the list holds."""
    total = await _count(session, query) if window.counted else None
    if window.after is not None:
        query = query.where(key > window.after)
    if window.before is not None:
        query = query.where(key < window.before)
    ordered = query.order_by(key.desc() if window.from_end else key.asc()).limit(window.limit + 1)
    rows = [make(row) for row in (await session.execute(ordered)).all()]
    more, rows = len(rows) > window.limit, rows[: window.limit]
    if window.from_end:
        return Page(rows[::-1], has_next=window.before is not None, has_previous=more, total=total)
    return Page(rows, has_next=more, has_previous=window.after is not None, total=total)


async def _count(session: AsyncSession, query: AnySelect) -> int:
    return (await session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
