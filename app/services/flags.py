"""Flags: boolean and string values that can be killed."""

from typing import Annotated, Any

from pydantic import Field

from app.access.entry import Entry
from app.domain.commands import Command, Slug, Text, validate
from app.domain.named import Keys
from app.domain.operations import Operation
from app.domain.preconditions import IfMatch
from app.engine.kinds import FLAG, KILLED, FlagType, KeyRef, Kind
from app.engine.rules import RULES_EXAMPLE
from app.models import Proposal
from app.services import primitives
from app.services.changes import change_state
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

Value = Any  # of the flag's type
Rules = Any  # a list, which is checked for the type


class CreateFlag(
    primitives.Described,
    json_schema_extra={
        "examples": [
            {
                "key": "checkout",
                "type": "boolean",
                "defaultValue": False,
                "rules": RULES_EXAMPLE,
                "name": "New checkout",
                "description": "The new checkout.",
                "tags": ["checkout", "web"],
                "reason": "Agreed with the team",
            }
        ]
    },
):
    """A new flag; every environment of the project starts with `defaultValue` and `rules`."""

    key: Annotated[Slug, Keys((Kind.FLAG,))]
    type: Annotated[FlagType, Field(strict=False)]
    default_value: Value
    rules: Rules = []


class UpdateFlag(
    primitives.Described,
    json_schema_extra={
        "examples": [{"name": "New checkout", "tags": ["checkout", "web"], "reason": "Agreed with the team"}]
    },
):
    """What may change of a flag's identity: what is not named stays. No environment changes by it."""

    initial_value: Value = None


class DeleteFlag(primitives.Reasoned, json_schema_extra={"examples": [{"reason": "No longer used"}]}):
    """A delete; REST says the reason in `X-Reason`."""


class ReplaceFlagState(
    Command,
    json_schema_extra={"examples": [{"defaultValue": False, "rules": RULES_EXAMPLE, "reason": "Agreed with the team"}]},
):
    """A flag's whole state."""

    default_value: Value
    rules: Rules
    reason: Text | None = None


class UpdateFlagState(
    Command, json_schema_extra={"examples": [{"rules": RULES_EXAMPLE, "reason": "Agreed with the team"}]}
):
    """What may change of a flag's state: what is not named stays."""

    default_value: Value = None
    rules: Rules = []
    reason: Text | None = None


class StateAction(primitives.Reasoned, json_schema_extra={"examples": [{"reason": "Orders are lost"}]}):
    """A kill or a restore."""


FLAGS = primitives.Primitives(FLAG, CreateFlag, UpdateFlag, DeleteFlag, UpdateFlagState, ReplaceFlagState)


async def kill_flag(
    uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch
) -> Current | Proposal:
    """Turns the flag off in the environment, whatever its rules say. Killing a killed flag changes nothing."""
    return await _switch(uow, environment_id, key, body, if_match, Operation.KILL)


async def restore_flag(
    uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch
) -> Current | Proposal:
    """Undoes a kill. Restoring a live flag changes nothing."""
    return await _switch(uow, environment_id, key, body, if_match, Operation.RESTORE)


async def _switch(
    uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch, operation: Operation
) -> Current | Proposal:
    """Raises `precondition_failed`, `approval_not_supported`."""
    entered = await Entry.of_environment(environment_id, operation, KeyRef(Kind.FLAG, key)).open(uow)
    command = validate(StateAction, body)
    return await change_state(entered, {KILLED: operation is Operation.KILL}, if_match, command.reason)
