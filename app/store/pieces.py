"""Long results in pieces, between which others run."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Result

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


async def all_rows(result: Result[Any]) -> list[Any]:
    """All rows of a result. What takes long is to make entities of them."""
    rows: list[Any] = []
    for piece in result.yield_per(PIECE).partitions():
        if rows:
            await asyncio.sleep(0)
        rows += piece
    return rows
