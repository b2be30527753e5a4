"""Flags: their identity in a project and their state in each environment."""

from typing import Annotated, Any

from pydantic import Field

from app.access.paging import Listing
from app.domain.commands import Command, Slug, Text
from app.domain.named import Keys
from app.domain.policy import Operation
from app.domain.preconditions import IfMatch
from app.engine.kinds import FLAG, FlagType, Kind
from app.engine.rules import RULES_EXAMPLE
from app.models import Primitive
from app.services import primitives
from app.store.paging import Page
from app.store.states import Current
from app.store.unit_of_work import UnitOfWork

Value = Any  # of the flag's type
Rules = Any  # a list, which is checked for the type


class CreateFlag(
    Command,
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
    name: primitives.ShownName = ""
    description: Text = ""
    tags: primitives.Tags = []
    maintainer_id: primitives.MaintainerId = None
    permanent: bool = False
    reason: Text | None = None


class UpdateFlag(
    Command,
    json_schema_extra={
        "examples": [{"name": "New checkout", "tags": ["checkout", "web"], "reason": "Agreed with the team"}]
    },
):
    """What may change of a flag's identity: what is not named stays. No environment changes by it."""

    name: primitives.ShownName = ""
    description: Text = ""
    tags: primitives.Tags = []
    maintainer_id: primitives.MaintainerId = None
    permanent: bool = False
    initial_value: Value = None
    reason: Text | None = None


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


async def create_flag(uow: UnitOfWork, project_id: str, body: object) -> Primitive:
    return await primitives.create(FLAG, uow, project_id, body, CreateFlag)


async def list_flags(uow: UnitOfWork, project_id: str, listing: Listing) -> Page[Primitive]:
    return await primitives.list_identities(FLAG, uow, project_id, listing)


async def get_flag(uow: UnitOfWork, project_id: str, key: str) -> Primitive:
    return await primitives.get(FLAG, uow, project_id, key)


async def update_flag(uow: UnitOfWork, project_id: str, key: str, body: object, if_match: IfMatch) -> Primitive:
    return await primitives.update(FLAG, uow, project_id, key, body, if_match, UpdateFlag)


async def delete_flag(uow: UnitOfWork, project_id: str, key: str, body: object, if_match: IfMatch) -> Primitive:
    return await primitives.delete(FLAG, uow, project_id, key, body, if_match)


async def list_flag_states(uow: UnitOfWork, environment_id: str, listing: Listing) -> Page[Current]:
    return await primitives.list_states(FLAG, uow, environment_id, listing)


async def get_flag_state(uow: UnitOfWork, environment_id: str, key: str) -> Current:
    return await primitives.get_state(FLAG, uow, environment_id, key)


async def update_flag_state(uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch) -> Current:
    """Changes what the body names; what it does not name stays."""
    return await primitives.set_state(FLAG, uow, environment_id, key, body, if_match, UpdateFlagState)


async def replace_flag_state(
    uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch
) -> Current:
    """Puts a whole state in the place of the present one; `killed` stays."""
    return await primitives.set_state(FLAG, uow, environment_id, key, body, if_match, ReplaceFlagState)


async def kill_flag(uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch) -> Current:
    """Turns the flag off in the environment, whatever its rules say. Killing a killed flag changes nothing."""
    return await primitives.switch(FLAG, uow, environment_id, key, body, if_match, Operation.KILL)


async def restore_flag(uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch) -> Current:
    """Undoes a kill. Restoring a live flag changes nothing."""
    return await primitives.switch(FLAG, uow, environment_id, key, body, if_match, Operation.RESTORE)
