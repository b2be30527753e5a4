"""What a call asks for, and does not exist."""

from collections.abc import Iterable

from app.domain.errors import AppError, not_found
from app.domain.ids import is_id
from app.domain.named import Named
from app.engine.kinds import KeyRef
from app.store import identities
from app.store.resolve import Level, Resolved, steps_of
from app.store.unit_of_work import UnitOfWork

_EXAMPLES = {Level.PROJECT: "acme:web", Level.ENVIRONMENT: "acme:web:production"}


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


def not_called(level: Level, called: Iterable[str], within: str = "") -> AppError:
    """`not_found`, with a hint for what can be neither an id nor a name."""
    if level is Level.ORG or all(is_id(one) or steps_of(level, one) is not None for one in called):
        return not_found(level.value + within)
    return not_found(level.value + within, f"It is called by its id or its name, such as {_EXAMPLES[level]}.")
