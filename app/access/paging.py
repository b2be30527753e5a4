"""Which part of a list a caller asks for: REST's `limit` and `cursor`, Relay's `first`/`after` and `last`/`before`."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from hmac import compare_digest
from typing import Annotated, Any, Literal, TypeVar, cast
from uuid import UUID

import orjson
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, create_model

from app.domain.commands import Command, Instant, Text, validate
from app.domain.errors import invalid
from app.domain.ids import digest
from app.domain.lists import Sorting, Standing
from app.domain.proposals import ProposalStatus
from app.domain.usage import DEFAULT_STALE_DAYS, MAX_STALE_DAYS
from app.engine.kinds import SPECS, Kind
from app.models import Period
from app.store.identities import Filter, Within
from app.store.paging import DEFAULT_LIMIT, MAX_LIMIT, Page, Place, Window

MAX_TAGS = 20
T = TypeVar("T")

MAX_USAGES = 100
Count = Annotated[int | None, Field(ge=1, le=MAX_LIMIT)]
UsageCount = Annotated[int | None, Field(ge=1, le=MAX_USAGES)]


class ListParameters(Command):
    """REST's parameters of a list. They come as text, so they are read leniently."""

    model_config = ConfigDict(strict=False)

    limit: Annotated[Count, Field(description=f"The maximum number of entries, by default {DEFAULT_LIMIT}.")] = None
    cursor: Annotated[str | None, Field(description="Where to continue, from the `Link` of the previous page.")] = None


class KeyedParameters(ListParameters):
    """REST's parameters of a list whose entries have keys."""

    key: Annotated[Text | None, Field(description="Only the one with this key.")] = None


class EntryParameters(ListParameters):
    """REST's parameters of the entries of an allow or deny list."""

    search: Annotated[
        Text | None, Field(description="Only entries with this text in them, in upper or lower case of A to Z.")
    ] = None


class PrimitiveParameters(KeyedParameters):
    """REST's parameters of a list of primitives. Those of kinds that have types can be limited to one of them."""

    prefix: Annotated[Text | None, Field(description="Only those whose key begins with this.")] = None
    search: Annotated[Text | None, Field(description="Part of the key, name or description, ignoring case.")] = None
    tag: Annotated[
        list[Text],
        Field(max_length=MAX_TAGS, description="Only those with this tag; given several times, with all of them."),
        AfterValidator(lambda tags: sorted(set(tags))),
    ] = []
    maintainer_id: Annotated[Text | None, Field(description="Only those that this user maintains.")] = None
    sort: Annotated[Sorting, Field(description="What the list is in the order of; a minus turns it round.")] = (
        Sorting.CREATED
    )


def _word_of_json(text: object) -> object:
    """REST's parameters are text, in which only JSON's words mean what is true and false."""
    return {"true": True, "false": False}.get(text, text) if isinstance(text, str) else text


TrueOrFalse = Annotated[bool, Field(strict=True), BeforeValidator(_word_of_json)]
Stale = Annotated[
    TrueOrFalse | None,
    Field(
        description="Only flags and configs that nothing has evaluated, or of which everyone has got one value, for "
        "`staleDays`, and that are not permanent; with `false` only the others."
    ),
]
StaleDays = Annotated[
    int | None,
    Field(
        ge=1,
        le=MAX_STALE_DAYS,
        description=f"For how many days something must have been of no use to be stale, by default "
        f"{DEFAULT_STALE_DAYS}.",
    ),
]


class StateParameters(PrimitiveParameters):
    """REST's parameters of a list of states."""

    state: Annotated[
        Standing | None,
        Field(
            description="Only those that are killed, that have rules (disabled ones aside), or that are on or off: of "
            "boolean flags and configs without rules, those whose default value is true or false."
        ),
    ] = None
    updated_by: Annotated[Text | None, Field(description="Only those that this user or token changed last.")] = None
    has_open_proposal: Annotated[
        TrueOrFalse | None, Field(description="Only those that a proposal waits for; with `false` only the others.")
    ] = None
    stale: Stale = None
    stale_days: StaleDays = None


class UsageOptions(Command):
    """What is asked of how often flags and configs are evaluated."""

    model_config = ConfigDict(strict=False)

    granularity: Annotated[
        Period | None, Field(description="Whether to count by `hour`, or by `day` as by default; in UTC.")
    ] = None
    since: Annotated[
        Instant | None,
        Field(
            description="Only from the hour or day of this instant on; by default 30 days, or by hour one day, before "
            "`until`. Hours are kept for 14 days, days for a year."
        ),
    ] = None
    until: Annotated[Instant | None, Field(description="Only hours or days that begin before this instant.")] = None
    stale_days: StaleDays = None


class UsageParameters(KeyedParameters, UsageOptions):
    """REST's parameters of how often an environment's flags and configs are evaluated."""

    limit: Annotated[
        UsageCount, Field(description=f"The maximum number of entries, by default and at most {MAX_USAGES}.")
    ] = None
    stale: Stale = None


class ProposalParameters(ListParameters):
    """REST's parameters of a list of proposals."""

    status: Annotated[
        list[Annotated[ProposalStatus, Field(strict=False)]],
        Field(max_length=len(ProposalStatus), description="Only those of this status; several may be given."),
        AfterValidator(lambda statuses: sorted(set(statuses))),
    ] = []


class AuditParameters(ListParameters):
    """REST's parameters of an organisation's audit."""

    resource_type: Annotated[Text | None, Field(description="Only what was done to things of this type.")] = None
    resource_key: Annotated[Text | None, Field(description="Only what was done to things of this key.")] = None
    env_id: Annotated[
        Text | None, Field(description="Only what made a version of this environment: its id or name.")
    ] = None
    actor_id: Annotated[Text | None, Field(description="Only what this user or token did.")] = None
    action: Annotated[Text | None, Field(description="Only this action.")] = None
    since: Annotated[Instant | None, Field(description="Only from this instant on.")] = None
    until: Annotated[Instant | None, Field(description="Only before this instant.")] = None
    format: Annotated[
        Literal["json", "ndjson"] | None,
        Field(description="`ndjson` for all events, one a line, instead of a page; as `Accept: application/x-ndjson`."),
    ] = None


class ListArguments(KeyedParameters):
    """REST's parameters and Relay's arguments."""

    first: Count = None
    after: str | None = None
    last: Count = None
    before: str | None = None


@cache
def primitive_parameters(*kinds: Kind, of_states: bool) -> type[PrimitiveParameters]:
    """REST's parameters of the list of the identities or states of a kind, or of several."""
    types = SPECS[kinds[0]].types if len(kinds) == 1 else None
    own: dict[str, Any] = {}
    if types is not None:
        own["type"] = Annotated[types | None, Field(description="Only those of this type.")], None
    base = StateParameters if of_states else PrimitiveParameters
    return create_model(f"{''.join(map(str.capitalize, kinds))}{base.__name__}", __base__=base, **own)


@cache
def _primitive_arguments(*kinds: Kind, of_states: bool) -> type[ListArguments]:
    bases: Any = primitive_parameters(*kinds, of_states=of_states), ListArguments
    return cast("type[ListArguments]", create_model(f"{bases[0].__name__}AndArguments", __base__=bases))


class ProposalArguments(ProposalParameters, ListArguments):
    """REST's parameters and Relay's arguments of a list of proposals."""


class AuditArguments(AuditParameters, ListArguments):
    """REST's parameters and Relay's arguments of an organisation's audit."""


class UsageArguments(UsageParameters, ListArguments):
    """REST's parameters and Relay's arguments of how often flags and configs are evaluated."""

    first: UsageCount = None
    last: UsageCount = None


class EntryArguments(ListArguments):
    """Those of the entries of an allow or deny list."""

    search: Text | None = None


_MARK = 14  # bytes
_CURSORS = {"cursor", "after", "before"}
_PAGING = {*_CURSORS, "limit", "first", "last", "format"}


class CursorCodec:
    """Opaque cursors: the place of a row and a keyed hash of it and its list, so that nobody builds their own.

    A list is told by its name, what it is below, and its filter. A cursor is good for its own list alone.
    """

    def __init__(self, signing_key: str) -> None:
        self._key = digest(signing_key).encode()

    def of(self, page: Page[T], row: T, row_id: Callable[[T], str]) -> str:
        """The cursor of the row of the page."""
        return self.encode(row_id(row), page.list_id, page.value_of(row))

    def encode(self, row_id: str, list_id: str, value: Any = None) -> str:
        """The cursor of the row in the list, which may be sorted by a value of the row before its id."""
        sorted_by = b"" if value is None else orjson.dumps(value)
        return self._signed(UUID(row_id).bytes + sorted_by, list_id)

    def decode(self, cursor: str | None, list_id: str, name: str) -> Place | None:
        """The place of the cursor in parameter `name`. Raises `invalid_request`."""
        if cursor is None:
            return None
        try:
            place = urlsafe_b64decode(cursor + "==")[:-_MARK]
        except ValueError:
            place = b""
        if not place or not compare_digest(cursor.encode(), self._signed(place, list_id).encode()):
            raise invalid({name: "Is not a valid cursor of this list with this filter."})
        row_id, sorted_by = str(UUID(bytes=place[:16])), place[16:]
        return Place(row_id, orjson.loads(sorted_by) if sorted_by else None)

    def _signed(self, place: bytes, list_id: str) -> str:
        # Where the place ends and the list begins is certain: the value is JSON, a list's name begins with a letter.
        mark = blake2b(place + list_id.encode(), digest_size=_MARK, key=self._key).digest()
        return urlsafe_b64encode(place + mark).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Listing:
    """List parameters, not yet validated: a service reads them once it knows that the caller may see the list."""

    cursors: CursorCodec
    parameters: Mapping[str, Any]

    @property
    def identity(self) -> Hashable:
        """Equal for the same part of two lists."""
        return tuple(sorted(self.parameters.items(), key=lambda item: item[0]))

    def following(self, page: Page[T], row_id: Callable[[T], str]) -> "Listing":
        """The largest page of the same list that comes after the page."""
        after = self.cursors.of(page, page.rows[-1], row_id)
        return replace(self, parameters={**self.parameters, "limit": MAX_LIMIT, "cursor": after})

    @property
    def page_size(self) -> int:
        """How many rows Relay's arguments ask for, within what is allowed; more are refused when the list is read."""
        wanted = self.parameters.get("first") or self.parameters.get("last") or DEFAULT_LIMIT
        return min(max(wanted, 1), MAX_LIMIT)

    @property
    def continues(self) -> bool:
        """Whether it begins or ends at a cursor, which is one of a single list."""
        return not _CURSORS.isdisjoint(self.parameters)

    def window(self, name: str, *parents: str) -> Window:
        """The part of the list `name` below a parent, or below each of several. Raises `invalid_request`."""
        return self._window(validate(ListArguments, self.parameters), name, *parents)

    def _window(self, asked: ListArguments, name: str, *parents: str) -> Window:
        if asked.last is not None and asked.first is not None:
            raise invalid({"last": "Cannot be combined with first."})
        chosen = asked.model_dump_json(exclude=_PAGING, exclude_none=True)
        window = Window(
            limit=asked.last or asked.first or asked.limit or DEFAULT_LIMIT,
            from_end=asked.last is not None,
            name=f"{name} {chosen}",
            parent_id="".join(parents),
        )
        if not self.continues or not parents:
            return window
        list_id, decode = window.list_id(), self.cursors.decode
        return replace(
            window,
            after=decode(asked.after, list_id, "after") or decode(asked.cursor, list_id, "?cursor"),
            before=decode(asked.before, list_id, "before"),
        )

    def key(self) -> str | None:
        """The one key asked for. Raises `invalid_request`."""
        return validate(ListArguments, self.parameters).key

    def of_primitives(self, within: Within, *parents: str, of_states: bool) -> tuple[Filter, Window]:
        """Which identities or states, of the kinds and the caller's resources `within`, and which part of that list.

        Raises `invalid_request`.
        """
        asked: Any = validate(_primitive_arguments(*within, of_states=of_states), self.parameters)
        window = self._window(asked, f"{' '.join(within)} {'states' if of_states else 'identities'}", *parents)
        chosen = Filter(
            key=asked.key,
            prefix=asked.prefix,
            value_type=getattr(asked, "type", None),
            search=asked.search,
            tags=tuple(asked.tag),
            maintainer_id=asked.maintainer_id and asked.maintainer_id.lower(),
            standing=asked.state if of_states else None,
            updated_by=asked.updated_by and asked.updated_by.lower() if of_states else None,
            has_open_proposal=asked.has_open_proposal if of_states else None,
            stale=asked.stale if of_states else None,
            stale_days=(of_states and asked.stale_days) or DEFAULT_STALE_DAYS,
            sorting=asked.sort,
            within=within,
        )
        return chosen, window

    def of_usage(self, within: Within, *parents: str) -> tuple[Filter, Window, UsageOptions]:
        """Of which flags and configs, which part of that list, and what is asked of each. Raises `invalid_request`."""
        asked = validate(UsageArguments, self.parameters)
        days = asked.stale_days or DEFAULT_STALE_DAYS
        chosen = Filter(key=asked.key, stale=asked.stale, stale_days=days, within=within)
        return chosen, self._window(asked, "usage", *parents), asked

    def of_proposals(self, *parents: str) -> tuple[Collection[ProposalStatus], Window]:
        """Of which statuses, all if none, and which part of that list. Raises `invalid_request`."""
        asked = validate(ProposalArguments, self.parameters)
        return asked.status, self._window(asked, "proposals", *parents)

    def of_audit(self, *parents: str) -> tuple[AuditArguments, Window]:
        """Which events, and which part of that list. Raises `invalid_request`."""
        asked = validate(AuditArguments, self.parameters)
        return asked, self._window(asked, "audit", *parents)

    def of_entries(self, name: str, *parents: str) -> tuple[str | None, Window]:
        """Which text entries must have in them, and which part of the list `name`. Raises `invalid_request`."""
        asked = validate(EntryArguments, self.parameters)
        return asked.search, self._window(asked, name, *parents)
