"""Long results in pieces, between which others run."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
PIECE = 200  # rows, which take some milliseconds to make


def pieces(members: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The members, so many at a time."""
    return (members[start : start + size] for start in range(0, len(members), size))


async def in_pieces(members: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """The members, some at a time."""
    for index, piece in enumerate(pieces(members, PIECE)):
        if index:
            await asyncio.sleep(0)
        yield piece


async def all_rows(
    session: AsyncSession, query: Select[*tuple[Any, ...]], sought: Mapping[str, Any] | None = None
) -> list[Any]:
    """All rows of a query, with the values of its parameters. What takes long is to make entities of them.

    The session's own `execute` would make all of them at once, whatever is read of its result.
    """
    result = await session.run_sync(lambda session: session.execute(query, sought))
    rows: list[Any] = []
    for piece in result.yield_per(PIECE).partitions():
        rows += piece
        if len(piece) == PIECE:
            await asyncio.sleep(0)
    return rows
