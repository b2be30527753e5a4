"""Rulesets as they were at an instant."""

from datetime import datetime

from app.domain.errors import AppError, invalid
from app.engine.instants import rfc3339
from app.engine.ruleset import Ruleset
from app.models import Environment
from app.store import past
from app.store.unit_of_work import UnitOfWork

BEFORE_ALL = "The environment had no ruleset then: that was before its first write. Ask for a later instant."


async def ruleset_at(uow: UnitOfWork, environment: Environment, at: datetime) -> Ruleset:
    """The ruleset that was in force; in the future it is the present one.

    Raises `ruleset_not_cached`, and `invalid_request` for what is not kept.
    """
    found = None if at >= uow.now else await past.version_at(uow.session, environment.id, at)
    if found is None and at < uow.now and environment.version > 0:
        await refuse_what_is_not_kept(uow, environment, "asOf")
        raise AppError("ruleset_not_cached", BEFORE_ALL)
    await uow.release()
    if found is None:
        return await uow.host.rulesets.get(environment.id)
    return await uow.host.rulesets.at(environment.id, found.version, found.target_id_field)


async def refuse_what_is_not_kept(uow: UnitOfWork, environment: Environment, place: str) -> None:
    """Raises `invalid_request` where the environment had versions before the oldest that is kept."""
    first = await past.first_kept(uow.session, environment.id)
    if first is not None and first.version > 1:
        raise invalid({place: f"Is before {rfc3339(first.at)}, from when on versions are kept."})
