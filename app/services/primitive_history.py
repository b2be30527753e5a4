"""The history of a flag, config or segment in an environment: what changed it, itself or from outside."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from app.access import batches
from app.access.paging import Listing
from app.access.visible import within
from app.engine.kinds import KILLED, SPECS, Kind
from app.models import AuditEvent, Environment
from app.store import json_columns, primitive_history
from app.store.paging import Page
from app.store.primitive_history import SHOWN_ENTRIES, Entries, Made, Moment
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

MAX_PAGE_BYTES = 8 * 1024 * 1024
LISTS_BYTES = 16 * 1024  # what the shown entries of a segment's lists take, as a rule


class Cause(NamedTuple):
    """What was changed, where that was not the primitive itself."""

    kind: Kind
    key: str


class Changed(NamedTuple):
    """A dimension, or `killed`, with what it was and became."""

    dimension: str
    before: Any
    after: Any


class HistoryEntry(NamedTuple):
    """What a version of the environment changed. What the audit no longer has is None."""

    primitive_id: str
    version: int
    at: datetime
    actor: Mapping[str, Any]
    action: str | None
    request_id: str | None
    reason: str | None
    changes: Sequence[Changed]
    caused_by: Cause | None


async def history_of_present(
    uow: UnitOfWork, environment: Environment, present: Current, listing: Listing
) -> Page[HistoryEntry]:
    """What changed a primitive up to its present state in the environment, which the caller may read."""
    primitive, state = present
    return (await _histories(uow, environment, {state.id: primitive.id}, listing))[state.id]


async def histories(uow: UnitOfWork, state_ids: Collection[str], listing: Listing) -> Mapping[str, Page[HistoryEntry]]:
    """By present state, what `history_of_present` gives for its primitive."""
    seen = [current.state for current in await batches.states(uow, state_ids)]
    found: dict[str, Page[HistoryEntry]] = {}
    for environment in await batches.environments(uow, {state.environment_id for state in seen}):
        owners = {state.id: state.primitive_id for state in seen if state.environment_id == environment.id}
        found |= await _histories(uow, environment, owners, listing)
    return found


async def _histories(
    uow: UnitOfWork, environment: Environment, owners: Mapping[str, str], listing: Listing
) -> Mapping[str, Page[HistoryEntry]]:
    """`owners` are the primitives, by the ids of their states."""
    window = listing.window("history", *owners)
    found = await primitive_history.moments(uow.session, environment, list(owners), window, within(uow, Kind))
    wanted = list({one: None for of in found.values() for one in of.rows})
    sizes = await primitive_history.sizes(uow.session, environment.id, wanted)
    cut = {
        state_id: _within_bytes(of, sizes, MAX_PAGE_BYTES // len(found), from_end=window.from_end)
        for state_id, of in found.items()
    }
    wanted = list({one: None for of in cut.values() for one in of.rows})
    made = await primitive_history.made(uow.session, environment.id, wanted)
    entries = await primitive_history.entries(uow.session, environment.id, wanted)
    events = await primitive_history.events(uow.session, environment.id, wanted)
    await uow.release()

    def shown() -> dict[str, Page[HistoryEntry]]:
        changes = {one: list(_changes(one, made[one[:2]], entries)) for one in wanted}
        return {
            state_id: _page(
                of,
                [
                    _entry(one, owners[state_id], made[one[:2]], events.get(one.version, ()), changes[one])
                    for one in of.rows
                ],
            )
            for state_id, of in cut.items()
        }

    return await uow.host.off_loop(shown)


def _within_bytes(
    page: Page[Moment], sizes: Mapping[tuple[str, int], int], left: int, *, from_end: bool
) -> Page[Moment]:
    """A page that ends before it is too many bytes, or begins after it was: the next one goes on there."""
    kept = 0
    for one in reversed(page.rows) if from_end else page.rows:
        left -= sizes[one[:2]] + (LISTS_BYTES if one.kind is Kind.SEGMENT else 0)
        if kept and left < 0:
            break
        kept += 1
    if kept == len(page.rows):
        return page
    return (
        replace(page, rows=page.rows[-kept:], has_previous=True)
        if from_end
        else replace(page, rows=page.rows[:kept], has_next=True)
    )


def _page(page: Page[Any], rows: Sequence[Any]) -> Page[Any]:
    return Page(rows, page.has_next, page.has_previous, page.whole, page.list_id, page.value_of)


def _entry(
    moment: Moment, owner_id: str, made: Made, events: Sequence[AuditEvent], changes: Sequence[Changed]
) -> HistoryEntry:
    # Of several that one request did, the one that was done to the primitive.
    event = next((one for one in events if one.resource_id == moment.primitive_id), events[0] if events else None)
    own = moment.primitive_id == owner_id
    return HistoryEntry(
        moment.primitive_id,
        moment.version,
        made.at,
        made.actor if event is None else event.actor,
        None if event is None else event.action,
        None if event is None else event.request_id,
        None if event is None else event.reason,
        changes,
        None if own else Cause(moment.kind, moment.key),
    )


def _changes(moment: Moment, made: Made, entries: tuple[Entries, Entries]) -> Iterator[Changed]:
    spec = SPECS[moment.kind]
    for dimension in spec.dimensions:
        if dimension.entries:
            added, removed = (of.get(moment[:2], {}).get(dimension.name, ()) for of in entries)
            if added or removed or made.anew:
                before = None if made.anew else _shown(removed, added)
                yield Changed(dimension.name, before, _shown(added, removed))
            continue
        before, after = getattr(made, dimension.field)
        if after is not None:
            yield Changed(
                dimension.name, None if before is None else json_columns.value(before), json_columns.value(after)
            )
    if spec.can_be_killed and made.killed[0] is not made.killed[1]:
        yield Changed(KILLED, *made.killed)


def _shown(added: Sequence[str], removed: Sequence[str]) -> dict[str, Any]:
    """What a list gets and loses; where that is more than is shown, `truncated`."""
    shown: dict[str, Any] = {"add": sorted(added)[:SHOWN_ENTRIES], "remove": sorted(removed)[:SHOWN_ENTRIES]}
    return {**shown, "truncated": True} if max(len(added), len(removed)) > SHOWN_ENTRIES else shown
