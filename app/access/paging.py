"""Which part of a list a caller asks for: REST's `limit` and `cursor`, Relay's `first`/`after` and `last`/`before`."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.domain.actors import ResourcePattern
from app.domain.commands import Command, Text, validate
from app.domain.errors import invalid
from app.domain.ids import digest
from app.engine.kinds import FlagType
from app.store.identities import Filter
from app.store.paging import DEFAULT_LIMIT, MAX_LIMIT, Window

Count = Annotated[int | None, Field(ge=1, le=MAX_LIMIT)]


class ListParameters(Command):
    """REST's parameters of a list. They come as text, so they are read leniently."""

    model_config = ConfigDict(strict=False)

    limit: Annotated[Count, Field(description=f"The maximum number of entries, by default {DEFAULT_LIMIT}.")] = None
    cursor: Annotated[str | None, Field(description="Where to continue, from the `Link` of the previous page.")] = None


class KeyedParameters(ListParameters):
    """REST's parameters of a list whose entries have keys."""

    key: Annotated[Text | None, Field(description="Only the one with this key.")] = None


class PrimitiveParameters(KeyedParameters):
    """REST's parameters of a list of primitives."""

    search: Annotated[Text | None, Field(description="Part of the key or description, ignoring case.")] = None
    type: Annotated[FlagType | None, Field(description="Only those of this type.")] = None


class ListArguments(PrimitiveParameters):
    """REST's parameters and Relay's arguments."""

    first: Count = None
    after: str | None = None
    last: Count = None
    before: str | None = None


class CursorCodec:
    """Opaque cursors: the id of a row and a keyed hash of it, so that nobody builds their own. Any list takes them."""

    def __init__(self, signing_key: str) -> None:
        self._key = digest(signing_key).encode()

    def encode(self, row_id: str) -> str:
        """The cursor of the row."""
        name = UUID(row_id).bytes
        return urlsafe_b64encode(name + self._mark(name)).decode().rstrip("=")

    def decode(self, cursor: str | None, name: str) -> str | None:
        """The row of the cursor in parameter `name`. Raises `invalid_request`."""
        if cursor is None:
            return None
        try:
            row_id = str(UUID(bytes=urlsafe_b64decode(cursor + "==")[:16]))
        except ValueError:
            row_id = None
        if row_id is None or not compare_digest(cursor.encode(), self.encode(row_id).encode()):
            raise invalid({name: "Is not a valid cursor."})
        return row_id

    def _mark(self, name: bytes) -> bytes:
        return blake2b(name, digest_size=14, key=self._key).digest()


@dataclass(frozen=True, slots=True)
class Listing:
    """List parameters, not yet validated: a service reads them once it knows that the caller may see the list."""

    cursors: CursorCodec
    parameters: Mapping[str, Any]

    @property
    def identity(self) -> Hashable:
        """Equal for the same part of two lists."""
        return tuple(sorted(self.parameters.items(), key=lambda item: item[0]))

    @property
    def page_size(self) -> int:
        """How many rows Relay's arguments ask for, within what is allowed; more are refused when the list is read."""
        wanted = self.parameters.get("first") or self.parameters.get("last") or DEFAULT_LIMIT
        return min(max(wanted, 1), MAX_LIMIT)

    def window(self) -> Window:
        """The part of the list. Raises `invalid_request`."""
        asked = validate(ListArguments, self.parameters)
        if asked.last is not None and asked.first is not None:
            raise invalid({"last": "Cannot be combined with first."})
        return Window(
            limit=asked.last or asked.first or asked.limit or DEFAULT_LIMIT,
            after=self.cursors.decode(asked.after, "after") or self.cursors.decode(asked.cursor, "?cursor"),
            before=self.cursors.decode(asked.before, "before"),
            from_end=asked.last is not None,
        )

    def key(self) -> str | None:
        """The one key asked for. Raises `invalid_request`."""
        return validate(ListArguments, self.parameters).key

    def filter(self, within: tuple[ResourcePattern, ...] | None) -> Filter:
        """Which primitives, `within` the caller's resources. Raises `invalid_request`."""
        asked = validate(ListArguments, self.parameters)
        return Filter(asked.key, asked.type, asked.search, within)
