"""The contexts that an environment keeps, to show what a proposed change would do to them."""

from typing import Any, NamedTuple

from app.access.entry import Entry
from app.access.etags import spot_checks_etag
from app.domain.commands import Command, Text, validate
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.engine import json_text
from app.engine.json_values import equal
from app.models import SpotChecks
from app.services.evaluation import Contexts
from app.store import json_columns
from app.store.spot_checks import spot_checks_of
from app.store.unit_of_work import UnitOfWork


class SetSpotChecks(
    Command, json_schema_extra={"examples": [{"contexts": [{"userId": "u-1", "plan": "pro"}, {"userId": "u-2"}]}]}
):
    """All contexts that the environment is to keep."""

    contexts: Contexts
    reason: Text | None = None


class Kept(NamedTuple):
    """What an environment keeps; no row if nothing was ever set."""

    environment_id: str
    row: SpotChecks | None

    @property
    def contexts(self) -> str:
        """A list, as JSON text."""
        return "[]" if self.row is None else self.row.contexts

    @property
    def etag(self) -> str:
        return spot_checks_etag(self.environment_id, self.row)


async def get_spot_checks(uow: UnitOfWork, environment_id: str) -> Kept:
    access = await Entry.of_environment(environment_id, Operation.READ_ENVIRONMENT).enter(uow)
    return await _kept(uow, access.environment.id)


async def set_spot_checks(uow: UnitOfWork, environment_id: str, body: object, if_match: IfMatch) -> Kept:
    """Keeps these contexts instead of those before; nothing is done if they are the same.

    Raises `precondition_failed`.
    """
    access = await Entry.of_environment(environment_id, Operation.SET_SPOT_CHECKS).enter(uow)
    command = validate(SetSpotChecks, body)
    access = await access.to_write()
    kept = await _kept(uow, access.environment.id)
    if_match.require(kept.etag)
    text, previous = json_text.encode(command.contexts), json_columns.value(kept.contexts)
    if text == kept.contexts or equal(previous, command.contexts):
        return kept
    values: dict[str, Any] = {"contexts": text, "updated_at": uow.now, "updated_by": uow.actor_as_json()}
    row = kept.row or SpotChecks(environment_id=kept.environment_id, **values)
    row.sqlmodel_update(values)
    uow.add(row)
    access.record(command.reason, previous={"contexts": previous}, new={"contexts": command.contexts})
    return Kept(kept.environment_id, row)


async def _kept(uow: UnitOfWork, environment_id: str) -> Kept:
    return Kept(environment_id, (await spot_checks_of(uow.session, [environment_id])).get(environment_id))
