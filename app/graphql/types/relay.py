"""Relay's shapes: `Node`, and connections over keyset pages."""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar

import strawberry

from app.graphql.context import Context, Info
from app.graphql.pace import lazily
from app.store.paging import Page

T = TypeVar("T")
Row = TypeVar("Row")


@strawberry.interface(description="Anything with an id.")
class Node:
    id: strawberry.ID = strawberry.field(description="A UUIDv7, the same as in REST.")


NODES: dict[type[Any], Callable[..., Node]] = {}
"""How rows become nodes: the files of types that lead to each other find their way here."""


def node_of(row: object | None) -> Any:
    """The row as its type."""
    return None if row is None else NODES[type(row)](row)


@strawberry.type(description="What is before and after a page of a list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there are entries after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are entries before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first entry.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last entry.")


@strawberry.type(description="An entry of a list.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="The entry's position in the list; opaque.")
    node: T = strawberry.field(description="The entry.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """Relay's connection, with the nodes at hand. What a document leaves out is not made."""

    page: strawberry.Private[Page[Any]]
    cursor_of: strawberry.Private[Callable[[Any], str]]
    make: strawberry.Private[Callable[[Any], Any]]

    @classmethod
    def of(cls, context: Context, page: Page[Row], row_id: Callable[[Row], str], make: Callable[[Row], Any]) -> Self:
        """From a page: `row_id` gives what the cursor names, `make` the node."""
        cursors = context.node.cursors
        return cls(page=page, cursor_of=lambda row: cursors.of(page, row, row_id), make=make)

    @strawberry.field(description="The entries with their cursors.")
    def edges(self) -> list[Edge[T]]:
        return lazily(self.page.rows, lambda row: Edge(cursor=self.cursor_of(row), node=self.make(row)))

    @strawberry.field(description="The entries.")
    def nodes(self) -> list[T]:
        return lazily(self.page.rows, self.make)

    @strawberry.field(description="What is before and after the page.")
    def page_info(self) -> PageInfo:
        rows = self.page.rows
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=self.cursor_of(rows[0]) if rows else None,
            end_cursor=self.cursor_of(rows[-1]) if rows else None,
        )

    @strawberry.field(description="How many entries the whole list has.")
    async def total_count(self, info: Info) -> int | None:
        return await info.context.loaders.counts.load(self.page.whole)
