"""The audit: who did what, for those who read an organisation, and for the operator."""

from datetime import datetime

from app.access.entry import Entry
from app.access.paging import AuditArguments, Listing
from app.access.visible import tenant_of
from app.domain.errors import not_found
from app.domain.ids import is_id, lowered
from app.domain.operations import Operation
from app.models import Org
from app.store import audit
from app.store.audit import Audited, Chosen, Recorded
from app.store.paging import Page
from app.store.resolve import Level, ids_below
from app.store.unit_of_work import UnitOfWork

NOTHING = "00000000-0000-0000-0000-000000000000"


async def list_audit_events(uow: UnitOfWork, slug: str, listing: Listing) -> Page[Recorded]:
    """What was done in the organisation, newest first."""
    access = await Entry.of_org(slug, Operation.READ_ORG).enter(uow)
    asked, window = listing.of_audit(access.org.id)
    return await audit.list_of_org(uow.session, access.org.id, await _chosen(uow, access.org, asked), window)


async def _chosen(uow: UnitOfWork, org: Org, asked: AuditArguments) -> Chosen:
    environment_id = None
    if asked.env_id is not None:
        called = lowered(asked.env_id)
        below = await ids_below(uow.session, Level.ENVIRONMENT, [called], org, None)
        environment_id = below.get(called, called if is_id(called) else NOTHING)  # a deleted one is known by its id
    chosen = asked.model_dump(include={"resource_type", "resource_key", "action", "since", "until"})
    return Chosen(**chosen, environment_id=environment_id, actor_id=asked.actor_id and lowered(asked.actor_id))


async def get_audit_event(uow: UnitOfWork, event_id: str) -> Recorded:
    """One event. Raises `not_found`."""
    sought = lowered(event_id)
    found = await audit.find(uow.session, sought, tenant_of(uow)) if is_id(sought) else None
    if found is None:
        raise not_found("event")
    event, slug = found
    await Entry.of_org(slug, Operation.READ_ORG).enter(uow)
    return Recorded(event, (await audit.versions(uow.session, [event.id])).get(event.id, ()))


async def list_audit(uow: UnitOfWork, listing: Listing, *, slug: str | None, since: datetime | None) -> Page[Audited]:
    """The events of all organisations and of the instance, or of those that have the slug or had it; oldest first.

    Raises `not_found`.
    """
    org_ids = None if slug is None else await audit.org_ids_of(uow.session, slug)
    if org_ids is not None and not org_ids:
        raise not_found("organisation")
    return await audit.list_of_instance(uow.session, listing.window("audit", slug or ""), org_ids=org_ids, since=since)
