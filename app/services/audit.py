"""The audit: who did what, for those who read an organisation, and for the operator."""

from datetime import datetime
from typing import Any, NamedTuple

from app.access.audit_filters import chosen_of
from app.access.entry import Entry
from app.access.paging import Listing
from app.access.visible import tenant_of
from app.domain.errors import not_found
from app.domain.ids import is_id, lowered
from app.domain.operations import Operation
from app.engine.kinds import KILLED, SPECS, Kind, Spec
from app.engine.patches import patch
from app.store import audit, json_columns, states
from app.store.audit import Audited, Recorded
from app.store.entries import entries_at
from app.store.paging import Page
from app.store.unit_of_work import UnitOfWork


async def list_audit_events(uow: UnitOfWork, slug: str, listing: Listing) -> Page[Recorded]:
    """What was done in the organisation, newest first."""
    access = await Entry.of_org(slug, Operation.READ_ORG).enter(uow)
    asked, window = listing.of_audit(access.org.id)
    return await audit.list_of_org(uow.session, access.org.id, await chosen_of(uow, [access.org], asked), window)


class Detailed(NamedTuple):
    """An event with what its subject was and became, None where it was not there or nothing is kept, and the patch that
    makes the one of the other."""

    recorded: Recorded
    previous_value: Any
    new_value: Any
    diff: list[dict[str, Any]]


async def get_audit_event(uow: UnitOfWork, event_id: str) -> Detailed:
    """One event. Raises `not_found`."""
    sought = lowered(event_id)
    found = await audit.find(uow.session, sought, tenant_of(uow)) if is_id(sought) else None
    if found is None:
        raise not_found("event")
    event, slug = found
    await Entry.of_org(slug, Operation.READ_ORG).enter(uow)
    recorded = Recorded(event, (await audit.versions(uow.session, [event.id])).get(event.id, ()))
    previous, new = await _values(uow, recorded)
    await uow.release()
    return Detailed(recorded, previous, new, await uow.host.off_loop(lambda: patch(previous, new)))


async def _values(uow: UnitOfWork, recorded: Recorded) -> tuple[Any, Any]:
    """What the subject was and became: a state, as it was at the versions, or what is kept with the event."""
    event, versions = recorded
    kept = (event.previous_value, event.new_value)
    if event.resource_type not in list(Kind) or not versions or (event.new_value and event.action not in _OF_STATES):
        previous, new = (None if text is None else json_columns.value(text) for text in kept)
        return previous, new
    spec = SPECS[Kind(event.resource_type)]
    if len(versions) == 1:
        ((environment_id, version),) = versions
        at = [await _state_at(uow, spec, event.resource_id, environment_id, one) for one in (version - 1, version)]
        return at[0], at[1]
    before = {
        environment_id: await _state_at(uow, spec, event.resource_id, environment_id, version - 1)
        for environment_id, version in versions
    }
    return {"environments": before}, None


_OF_STATES = {Operation.APPLY_PROPOSAL}


async def _state_at(
    uow: UnitOfWork, spec: Spec, primitive_id: str, environment_id: str, version: int
) -> dict[str, Any] | None:
    state = await states.at_version(uow.session, environment_id, primitive_id, version)
    if state is None:
        return None
    entries = await entries_at(uow.session, state, version) if any(one.entries for one in spec.dimensions) else {}
    shown = {
        one.name: entries.get(one.name, []) if one.entries else json_columns.value(getattr(state, one.field))
        for one in spec.dimensions
    }
    return {**shown, KILLED: state.killed} if spec.can_be_killed else shown


async def list_audit(uow: UnitOfWork, listing: Listing, *, slug: str | None, since: datetime | None) -> Page[Audited]:
    """The events of all organisations and of the instance, or of those that have the slug or had it; oldest first.

    Raises `not_found`.
    """
    org_ids = None if slug is None else await audit.org_ids_of(uow.session, slug)
    if org_ids is not None and not org_ids:
        raise not_found("organisation")
    return await audit.list_of_instance(uow.session, listing.window("audit", slug or ""), org_ids=org_ids, since=since)
