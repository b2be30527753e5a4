"""What a call asks for by its key, and does not exist."""

from app.domain.errors import AppError, not_found
from app.domain.named import Named
from app.store import identities
from app.store.resolve import KeyRef, Resolved
from app.store.unit_of_work import UnitOfWork


async def missing(uow: UnitOfWork, resolved: Resolved, key_ref: KeyRef | None, named: Named) -> AppError | None:
    """`not_found`, where a primitive of the path or the body does not exist."""
    if key_ref is not None and resolved.primitive is None:
        return not_found(key_ref.kind)
    asked = {(kind, one.key): one.path for one in named.live for kind in one.kinds}
    if resolved.project is None or not asked:
        return None
    known = await identities.live_keys(uow.session, resolved.project.id, asked)
    fields = {path: f"There is no such {of[0]}." for of, path in asked.items() if of not in known}
    return AppError("not_found", next(iter(fields.values())), fields=fields) if fields else None
