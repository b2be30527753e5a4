"""Relay's shapes: `Node`, and connections over keyset pages."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, Self, TypeVar

import strawberry

from app.graphql.context import Context
from app.store.paging import Page

T = TypeVar("T")
Row = TypeVar("Row")

First = Annotated[int | None, strawberry.argument(description="How many from the start; 100 if nothing is said.")]
After = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]
KeyFilter = Annotated[str | None, strawberry.argument(description="Only the one with this key.")]


@strawberry.interface(description="Whatever has an id of its own.")
class Node:
    """Implemented by every type with an id."""

    id: strawberry.ID = strawberry.field(description="A UUIDv7, the same as in REST.")


@strawberry.type(description="Where a part of a list stands in the whole.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool = strawberry.field(description="Whether there is more after this part.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this part.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first entry.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last entry.")


@strawberry.type(description="An entry of a list.")
class Edge(Generic[T]):
    """Relay's edge."""

    cursor: str = strawberry.field(description="Where the entry stands; opaque.")
    node: T = strawberry.field(description="The entry.")


@strawberry.type(description="A part of a list, oldest first.")
class Connection(Generic[T]):
    """Relay's connection, with the nodes at hand."""

    edges: list[Edge[T]] = strawberry.field(description="The entries with their cursors.")
    nodes: list[T] = strawberry.field(description="The entries.")
    page_info: PageInfo = strawberry.field(description="Where the part stands in the whole.")
    total_count: int | None = strawberry.field(description="How many entries the whole list has.")

    @classmethod
    def of(cls, context: Context, page: Page[Row], row_id: Callable[[Row], str], make: Callable[[Row], Any]) -> Self:
        """From a page: `row_id` gives what the cursor names, `make` the node."""
        edges = [Edge(cursor=context.node.cursors.encode(row_id(row)), node=make(row)) for row in page.rows]
        return cls(
            edges=edges,
            nodes=[edge.node for edge in edges],
            page_info=PageInfo(
                has_next_page=page.has_next,
                has_previous_page=page.has_previous,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
            total_count=page.total,
        )
