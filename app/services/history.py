"""What a context received between two instants, rebuilt from the states that are stored by version."""

from functools import partial
from typing import Annotated

from pydantic import Field

from app.access.entry import Entry
from app.domain.commands import Command, Instant, Key, validate
from app.domain.errors import AppError, invalid
from app.domain.named import Keys, named_in
from app.domain.operations import Operation
from app.engine.history import History, Version
from app.engine.kinds import Kind
from app.engine.ruleset import DamagedState
from app.models import Environment, EnvironmentVersion
from app.services.evaluation import EVALUABLE, MAX_KEYS, Context, keys_in
from app.services.time_travel import BEFORE_ALL, refuse_what_is_not_kept
from app.store import past
from app.store.unit_of_work import UnitOfWork

VERSIONS_AT_ONCE = 200
MAX_CHANGES = 50_000  # states that are looked through for one answer


class AskHistory(
    Command,
    json_schema_extra={
        "examples": [
            {
                "context": {"userId": "u-1", "plan": "pro"},
                "since": "2026-11-29T12:00:00.000000Z",
                "until": "2026-11-30T12:00:00.000000Z",
                "keys": ["checkout"],
            }
        ]
    },
):
    """For whom, from when to when, and of which keys."""

    context: Context
    since: Instant
    until: Instant
    keys: Annotated[list[Key] | None, Field(max_length=MAX_KEYS), Keys(EVALUABLE, many=True)] = None


async def history(uow: UnitOfWork, environment_id: str, body: object) -> History:
    """What each flag and config asked for was for the context. Raises `ruleset_not_cached`."""
    named = named_in(AskHistory, body)
    access = await Entry.of_environment(environment_id, Operation.READ_STATE, named=named).enter(uow)
    command = validate(AskHistory, body)
    if command.until <= command.since:
        raise invalid({"until": "Must be after since."})
    environment, since = access.environment, min(command.since, uow.now)
    start = await past.version_at(uow.session, environment.id, since)
    last = await past.version_at(uow.session, environment.id, command.until, included=False)
    if start is None:
        start = await _first_in(uow, environment, last)
        since = start.at
    end = start.version if last is None else last.version
    await uow.release()
    ruleset = await uow.host.rulesets.at(environment.id, start.version, start.target_id_field)
    asked = keys_in(command.keys)
    keys = None if asked is None else list(dict.fromkeys(asked))

    def sees(kind: Kind, key: str) -> bool:
        return access.sees_all or access.sees(kind, key)

    found = await uow.host.off_loop(lambda: History(ruleset, since, command.context, keys, sees))
    changes_left = MAX_CHANGES
    while found.reached < end and not found.truncated:
        versions = await past.versions_between(uow.session, environment.id, found.reached, end, VERSIONS_AT_ONCE)
        changes = await past.changes(uow.session, environment.id, found.reached, versions[-1].version)
        await uow.release()
        rows = [Version(one.version, one.at, one.target_id_field) for one in versions]
        try:
            await uow.host.off_loop(partial(found.take, rows, changes))
        except DamagedState as fault:
            raise AppError("unavailable", "A stored state of then is corrupt.") from fault
        changes_left -= len(changes)
        found.truncated |= changes_left < 0 and found.reached < end
    return found


async def _first_in(uow: UnitOfWork, environment: Environment, last: EnvironmentVersion | None) -> EnvironmentVersion:
    """The environment's first version, if the window has it."""
    await refuse_what_is_not_kept(uow, environment, "since")
    first = await past.first_kept(uow.session, environment.id)
    if first is None or last is None:
        raise AppError("ruleset_not_cached", BEFORE_ALL)
    return first
