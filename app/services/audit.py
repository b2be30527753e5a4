"""The audit, for the operator."""

from datetime import datetime

from app.access.paging import Listing
from app.domain.errors import not_found
from app.store import audit
from app.store.audit import Audited
from app.store.paging import Page
from app.store.unit_of_work import UnitOfWork


async def list_audit(uow: UnitOfWork, listing: Listing, *, slug: str | None, since: datetime | None) -> Page[Audited]:
    """The events of all organisations and of the instance, or of those that have the slug or had it; oldest first.

    Raises `not_found`.
    """
    org_ids = None if slug is None else await audit.org_ids_of(uow.session, slug)
    if org_ids is not None and not org_ids:
        raise not_found("organisation")
    return await audit.list_of_instance(uow.session, listing.window("audit", slug or ""), org_ids=org_ids, since=since)
