"""Segments: who belongs to a group, by rules and by lists of target ids. Flags, configs and segments refer to them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from app.access.entry import Entry
from app.access.paging import Listing
from app.domain.commands import Command, Slug, Text, validate
from app.domain.named import Keys
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.engine.kinds import ALLOW_LIST, DENY_LIST, SEGMENT, Dimension, KeyRef, Kind
from app.engine.target_ids import EntryChange, parse_target_ids
from app.models import Proposal, StateEntry
from app.services.changes import change_state
from app.services.primitives import Described, Primitives, Reasoned
from app.store.entries import entries_at, entries_of, list_entries
from app.store.paging import Page
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

Rules = Any  # a list, which is checked
Ids = Any  # a list of texts, which is checked
MEMBERS_EXAMPLE: Any = [{"name": "our own people", "if": {"field": "email", "$endsWith": "@acme.example"}}]


class CreateSegment(
    Described,
    json_schema_extra={
        "examples": [
            {
                "key": "staff",
                "rules": MEMBERS_EXAMPLE,
                "allowList": ["u-17"],
                "denyList": ["u-99"],
                "description": "Who works here.",
                "reason": "Agreed with the team",
            }
        ]
    },
):
    """A new segment; every environment of the project starts with its rules and lists."""

    key: Annotated[Slug, Keys((Kind.SEGMENT,))]
    rules: Rules = []
    allow_list: Ids = []
    deny_list: Ids = []


class UpdateSegment(
    Described, json_schema_extra={"examples": [{"description": "Who works here.", "reason": "Agreed with the team"}]}
):
    """What may change of a segment's identity: what is not named stays. No environment changes by it."""


class DeleteSegment(Reasoned, json_schema_extra={"examples": [{"reason": "No longer used"}]}):
    """A delete; REST says the reason in `X-Reason`."""


class ReplaceSegmentState(
    Command,
    json_schema_extra={
        "examples": [
            {"rules": MEMBERS_EXAMPLE, "allowList": ["u-17"], "denyList": [], "reason": "Agreed with the team"}
        ]
    },
):
    """A segment's whole state."""

    rules: Rules
    allow_list: Ids
    deny_list: Ids
    reason: Text | None = None


class UpdateSegmentState(
    Command, json_schema_extra={"examples": [{"rules": MEMBERS_EXAMPLE, "reason": "Agreed with the team"}]}
):
    """What may change of a segment's state: what is not named stays."""

    rules: Rules = []
    allow_list: Ids = []
    deny_list: Ids = []
    reason: Text | None = None


class UpdateEntries(
    Command, json_schema_extra={"examples": [{"add": ["u-18"], "remove": ["u-17"], "reason": "Ada has left"}]}
):
    """Entries that a list gets and loses. One that it has already, or has not, changes nothing."""

    add: Ids = []
    remove: Ids = []
    reason: Text | None = None


SEGMENTS = Primitives(SEGMENT, CreateSegment, UpdateSegment, DeleteSegment, UpdateSegmentState, ReplaceSegmentState)


class Listed(NamedTuple):
    """The entries of a segment's lists, in the order of their characters."""

    allow_list: Sequence[str]
    deny_list: Sequence[str]


async def listed(uow: UnitOfWork, current: Current) -> Listed:
    """The entries of a state, those included that the unit is going to write; of a past state those of then."""
    if current.state.to_version is not None:
        then = await entries_at(uow.session, current.state, current.state.from_version)
        return Listed(then.get(ALLOW_LIST.name, ()), then.get(DENY_LIST.name, ()))
    stored = await entries_of(uow.session, current.state)
    pending = uow.entries_of(current.state)

    def of_list(dimension: Dimension) -> Sequence[str]:
        present = stored.get(dimension.name, frozenset())
        return sorted(pending.get(dimension, EntryChange()).applied_to(present))

    return Listed(of_list(ALLOW_LIST), of_list(DENY_LIST))


async def list_allow_list(uow: UnitOfWork, environment_id: str, key: str, listing: Listing) -> Page[StateEntry]:
    """A part of the allow list."""
    return await _list_entries(uow, environment_id, key, listing, ALLOW_LIST)


async def list_deny_list(uow: UnitOfWork, environment_id: str, key: str, listing: Listing) -> Page[StateEntry]:
    """A part of the deny list."""
    return await _list_entries(uow, environment_id, key, listing, DENY_LIST)


async def _list_entries(
    uow: UnitOfWork, environment_id: str, key: str, listing: Listing, dimension: Dimension
) -> Page[StateEntry]:
    (_, state), _ = await SEGMENTS.get_state(uow, environment_id, key)
    search, window = listing.of_entries(dimension.name, state.id)
    return (await list_entries(uow.session, [state.id], dimension, search, window))[state.id]


async def update_allow_list(
    uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch
) -> Current | Proposal:
    """Adds entries to the allow list and removes others. Raises `precondition_failed`, `approval_not_supported`."""
    return await _update_list(uow, environment_id, key, body, if_match, ALLOW_LIST)


async def update_deny_list(
    uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch
) -> Current | Proposal:
    """Adds entries to the deny list and removes others. Raises `precondition_failed`, `approval_not_supported`."""
    return await _update_list(uow, environment_id, key, body, if_match, DENY_LIST)


async def _update_list(
    uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch, dimension: Dimension
) -> Current | Proposal:
    named = KeyRef(Kind.SEGMENT, key)
    entered = await Entry.of_environment(environment_id, Operation.UPDATE_STATE, named).open(uow)
    faults: dict[str, str] = {}
    change = _change_in(body, faults)
    command = validate(UpdateEntries, body, faults)
    return await change_state(entered, {dimension.name: change}, if_match, command.reason)


def _change_in(body: object, faults: dict[str, str]) -> EntryChange:
    """What an unread body adds and removes. An entry cannot be in both."""
    members = body if isinstance(body, Mapping) else {}
    add, remove = (
        parse_target_ids(members[name], name, faults) if name in members else frozenset() for name in ("add", "remove")
    )
    if both := add & remove:
        index = next(index for index, entry in enumerate(members["remove"]) if entry in both)
        faults[f"remove.{index}"] = "Is to be added as well."
    return EntryChange(add, remove)
