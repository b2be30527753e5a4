"""Which part of a list a caller asks for: REST's `limit` and `cursor`, Relay's `first`/`after` and `last`/`before`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from itsdangerous import BadData, URLSafeSerializer
from pydantic import ConfigDict, Field

from app.domain.errors import invalid
from app.domain.ids import is_id
from app.domain.inputs import Command, Text, validate
from app.domain.primitives import FlagType
from app.store.paging import DEFAULT_LIMIT, MAX_LIMIT, Window
from app.store.primitives import Filter

Count = Annotated[int | None, Field(ge=1, le=MAX_LIMIT)]


class Asked(Command):
    """The parameters of a list. REST's come as text, so they are read leniently."""

    model_config = ConfigDict(strict=False)

    limit: Count = None
    cursor: str | None = None
    first: Count = None
    after: str | None = None
    last: Count = None
    before: str | None = None
    key: Text | None = None
    search: Text | None = None
    type: FlagType | None = None


class CursorCodec:
    """Opaque cursors, signed with the instance's key so that nobody builds their own."""

    def __init__(self, signing_key: str) -> None:
        self._signer = URLSafeSerializer(signing_key, salt="cursor")

    def encode(self, row_id: str) -> str:
        """The cursor of the row."""
        return str(self._signer.dumps(row_id))

    def decode(self, cursor: str | None, name: str) -> str | None:
        """The row of the cursor in parameter `name`. Raises `invalid_request`."""
        if cursor is None:
            return None
        try:
            row_id = self._signer.loads(cursor)
        except BadData:
            row_id = None
        if not isinstance(row_id, str) or not is_id(row_id):
            raise invalid({name: "Is not a cursor that this list gave."})
        return row_id


@dataclass(frozen=True, slots=True)
class Listing:
    """A caller's wish, unread: a service reads it once it knows that the caller may see the list."""

    cursors: CursorCodec
    parameters: Mapping[str, Any]
    counted: bool = False

    def window(self) -> Window:
        """The part of the list. Raises `invalid_request`."""
        asked = validate(Asked, self.parameters)
        if asked.last is not None and asked.first is not None:
            raise invalid({"last": "Stands beside first; use one of them."})
        return Window(
            limit=asked.last or asked.first or asked.limit or DEFAULT_LIMIT,
            after=self.cursors.decode(asked.after, "after") or self.cursors.decode(asked.cursor, "cursor"),
            before=self.cursors.decode(asked.before, "before"),
            from_end=asked.last is not None,
            counted=self.counted,
        )

    def key(self) -> str | None:
        """The one key asked for. Raises `invalid_request`."""
        return validate(Asked, self.parameters).key

    def filter(self) -> Filter:
        """Which primitives. Raises `invalid_request`."""
        asked = validate(Asked, self.parameters)
        return Filter(asked.key, asked.type, asked.search)
