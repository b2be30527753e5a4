"""The entries of allow and deny lists."""

from typing import Any

from app.access.batches import ChildPage
from app.access.paging import Listing
from app.engine.kinds import Dimension
from app.graphql.context import Info
from app.graphql.lists import OF_ENTRIES, list_field
from app.graphql.types.relay import Connection

ALLOWED = "Target ids that belong to it, whatever its rules say, unless they are on the deny list."
DENIED = "Target ids that do not belong to it: the deny list overrides rules and the allow list."


def entries(dimension: Dimension, description: str) -> Any:
    """The list of a segment's state."""

    async def resolve(root: Any, info: Info, asked: Listing) -> Any:
        page = await info.context.loaders.entries(dimension, root.at_version).load(ChildPage(root.id, asked))
        return Connection.of(info.context, page, lambda row: row.primitive_id, lambda row: row.entry)

    return list_field(description, OF_ENTRIES, resolve)
