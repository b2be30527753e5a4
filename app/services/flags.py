"""Flags: their identity in a project and their state in each environment."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema
from pydantic.alias_generators import to_camel

from app.access.entry import EnvironmentAccess, enter_environment, enter_project, requested_key
from app.access.etags import row_etag, state_etag
from app.access.paging import Listing
from app.domain.commands import Command, Slug, Text, validate
from app.domain.errors import key_collision
from app.domain.policy import Operation
from app.domain.preconditions import IfMatch
from app.engine import json_text
from app.engine.json_values import equal
from app.engine.kinds import FlagType, Kind, check_value
from app.engine.reference_checks import check_references
from app.engine.reference_graph import ReferenceGraph
from app.engine.references import primitive, references_of
from app.engine.rules import RULES_EXAMPLE, RULES_SCHEMA, parse_rules
from app.models import Primitive, now
from app.store import environments, json_columns, primitives
from app.store.paging import Page
from app.store.primitives import Current
from app.store.unit_of_work import UnitOfWork


def _type_of(info: ValidationInfo) -> FlagType | None:
    """The flag's type, which stands in the command itself or is known from the flag; None for a faulty one."""
    found = (info.context or {}).get("value_type") or info.data.get("type")
    return None if found is None else FlagType(found)


def _checked_value(value: Any, info: ValidationInfo) -> Any:
    if (value_type := _type_of(info)) is not None:
        check_value(value_type, value, to_camel(info.field_name or ""), (info.context or {})["faults"])
    return value


def _checked_rules(rules: Any, info: ValidationInfo) -> Any:
    """Rules of the language whose values are the flag's. There is nothing yet that they could refer to."""
    faults, value_type = (info.context or {})["faults"], _type_of(info)

    def check(value: Any, path: str, found: dict[str, str]) -> None:
        if value_type is not None:
            check_value(value_type, value, path, found)

    parsed = parse_rules(rules, "rules", faults, check)
    key = primitive("")
    check_references({key: references_of(parsed)}, ReferenceGraph().with_changes({key: ()}), faults)
    return rules


Value = Annotated[Any, AfterValidator(_checked_value)]
Rules = Annotated[Any, AfterValidator(_checked_rules), WithJsonSchema(RULES_SCHEMA)]


class CreateFlag(
    Command,
    json_schema_extra={
        "examples": [
            {
                "key": "checkout",
                "type": "boolean",
                "defaultValue": False,
                "rules": RULES_EXAMPLE,
                "description": "The new checkout.",
                "reason": "Agreed with the team",
            }
        ]
    },
):
    """A new flag; every environment of the project starts with `defaultValue` and `rules`."""

    key: Slug
    type: Annotated[FlagType, Field(strict=False)]
    default_value: Value
    rules: Rules = []
    description: Text = ""
    reason: Text | None = None


class UpdateFlag(
    Command, json_schema_extra={"examples": [{"description": "The new checkout.", "reason": "Agreed with the team"}]}
):
    """What may change of a flag's identity: what is not named stays. No environment changes by it."""

    description: Text = ""
    initial_value: Value = None
    reason: Text | None = None


class DeleteFlag(Command, json_schema_extra={"examples": [{"reason": "No longer used"}]}):
    """A delete; REST says the reason in `X-Reason`."""

    reason: Text | None = None


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


class StateAction(Command, json_schema_extra={"examples": [{"reason": "Orders are lost"}]}):
    """A kill or a restore."""

    reason: Text | None = None


async def create_flag(uow: UnitOfWork, project_id: str, body: object) -> Primitive:
    """Makes a flag and seeds it in every environment of the project. Raises `key_collision`."""
    access = await enter_project(uow, project_id, Operation.CREATE_PRIMITIVE, asked=requested_key(Kind.FLAG, body))
    command = validate(CreateFlag, body)
    access = await access.to_write()
    if await primitives.key_taken(uow.session, access.project.id, Kind.FLAG, command.key):
        raise key_collision(command.key)
    flag = Primitive(
        project_id=access.project.id,
        kind=Kind.FLAG,
        space=primitives.SPACES[Kind.FLAG],
        key=command.key,
        value_type=command.type,
        description=command.description,
        initial_value=json_text.encode(command.default_value),
    )
    uow.add(flag)
    await uow.flush()
    for environment in await environments.all_of_project(uow.session, access.project.id):
        uow.write_state(
            environment, flag, None, default_value=flag.initial_value, rules=json_text.encode(command.rules)
        )
    uow.record(access.operation, access.subject_of(flag), reason=command.reason, new=command.recorded())
    return flag


async def list_flags(uow: UnitOfWork, project_id: str, listing: Listing) -> Page[Primitive]:
    access = await enter_project(uow, project_id, Operation.READ_PRIMITIVE)
    return await primitives.list_of_project(
        uow.session, access.project.id, Kind.FLAG, listing.filter(access.resources(Kind.FLAG)), listing.window()
    )


async def get_flag(uow: UnitOfWork, project_id: str, key: str) -> Primitive:
    return (await enter_project(uow, project_id, Operation.READ_PRIMITIVE, Kind.FLAG, key)).found


async def update_flag(uow: UnitOfWork, project_id: str, key: str, body: object, if_match: IfMatch) -> Primitive:
    """Changes what the body names of the identity. Raises `precondition_failed`."""
    access = await enter_project(uow, project_id, Operation.UPDATE_PRIMITIVE, Kind.FLAG, key)
    command = validate(UpdateFlag, body, value_type=access.found.value_type)
    values = command.given()
    if "initial_value" in values:
        values["initial_value"] = json_text.encode(command.initial_value)
    access = await access.to_write()
    if_match.require(row_etag(access.found))
    uow.revise(access.operation, access.subject_of(access.found), access.found, values, command.reason)
    return access.found


async def delete_flag(uow: UnitOfWork, project_id: str, key: str, body: object, if_match: IfMatch) -> Primitive:
    """Deletes the flag from every environment of the project, and gives it as it was. Raises `precondition_failed`."""
    access = await enter_project(uow, project_id, Operation.DELETE_PRIMITIVE, Kind.FLAG, key)
    command = validate(DeleteFlag, body)
    access = await access.to_write()
    flag = access.found
    if_match.require(row_etag(flag))
    access.require_immediate()
    flag.deleted_at = now()
    for environment in await environments.all_of_project(uow.session, access.project.id):
        uow.end_state(environment, flag)
    uow.record(access.operation, access.subject_of(flag), reason=command.reason)
    return flag


async def list_flag_states(uow: UnitOfWork, environment_id: str, listing: Listing) -> Page[Current]:
    """The states of the environment's flags."""
    access = await enter_environment(uow, environment_id, Operation.READ_STATE)
    return await primitives.list_current(
        uow.session, access.environment.id, Kind.FLAG, listing.filter(access.resources(Kind.FLAG)), listing.window()
    )


async def get_flag_state(uow: UnitOfWork, environment_id: str, key: str) -> Current:
    """The flag's state in the environment."""
    access = await enter_environment(uow, environment_id, Operation.READ_STATE, Kind.FLAG, key)
    return await primitives.current(uow.session, access.environment.id, access.found)


async def update_flag_state(uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch) -> Current:
    """Changes what the body names. Raises `precondition_failed`."""
    access = await enter_environment(uow, environment_id, Operation.UPDATE_STATE, Kind.FLAG, key)
    command = validate(UpdateFlagState, body, value_type=access.found.value_type)
    return await _write(access, _values(command), if_match, command.reason)


async def replace_flag_state(
    uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch
) -> Current:
    """Puts a whole state in the place of the present one; `killed` stays. Raises `precondition_failed`."""
    access = await enter_environment(uow, environment_id, Operation.UPDATE_STATE, Kind.FLAG, key)
    command = validate(ReplaceFlagState, body, value_type=access.found.value_type)
    return await _write(access, _values(command), if_match, command.reason)


async def kill_flag(uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch) -> Current:
    """Turns the flag off in the environment, whatever its rules say. Killing a killed flag changes nothing."""
    return await _switch(uow, environment_id, key, body, if_match, Operation.KILL)


async def restore_flag(uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch) -> Current:
    """Undoes a kill. Restoring a live flag changes nothing."""
    return await _switch(uow, environment_id, key, body, if_match, Operation.RESTORE)


async def _switch(
    uow: UnitOfWork, environment_id: str, key: str, body: object, if_match: IfMatch, operation: Operation
) -> Current:
    access = await enter_environment(uow, environment_id, operation, Kind.FLAG, key)
    command = validate(StateAction, body)
    return await _write(access, {"killed": operation is Operation.KILL}, if_match, command.reason)


async def _write(access: EnvironmentAccess, values: dict[str, Any], if_match: IfMatch, reason: str | None) -> Current:
    """The state with `values`; a state that has them already is left as it is."""
    access = await access.to_write()
    uow, flag = access.uow, access.found
    current = await primitives.current(uow.session, access.environment.id, flag)
    if_match.require(state_etag(current))
    if all(_same(getattr(current.state, name), value) for name, value in values.items()):
        return current
    access.require_immediate()
    state = uow.write_state(access.environment, flag, current.state, **values)
    uow.record(access.operation, access.subject_of(flag), reason=reason)
    return Current(flag, state)


def _same(present: Any, value: Any) -> bool:
    """Whether a column holds the value already; JSON texts are the same when what they say is."""
    if present == value or not isinstance(value, str):
        return bool(present == value)
    return equal(json_columns.value(present), json_columns.value(value))


def _values(command: UpdateFlagState | ReplaceFlagState) -> dict[str, str]:
    """The columns that the command sets."""
    return {name: json_text.encode(value) for name, value in command.given().items()}
