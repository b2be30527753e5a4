"""What inputs have in common, and how they become the body that REST would have been sent."""

import dataclasses
from enum import Enum
from typing import Any

import strawberry
from pydantic.alias_generators import to_camel

from app.domain.commands import Input, free_text
from app.domain.errors import invalid
from app.domain.preconditions import IfMatch, MinVersion
from app.engine import json_text
from app.graphql.rules import RuleInput, rule_body

_OUTSIDE_BODY = "outside_body"


def path_field(description: str) -> Any:
    """A member that REST has in its path."""
    return strawberry.field(description=description, metadata={_OUTSIDE_BODY: True})


def header_field(description: str) -> Any:
    """An optional member that REST has in a header."""
    return strawberry.field(default=strawberry.UNSET, description=description, metadata={_OUTSIDE_BODY: True})


def optional_field(description: str) -> Any:
    """A member that need not be sent, which is not the same as null."""
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input
class OfOrg:
    org_slug: str = path_field("The organisation's slug.")


@strawberry.input
class OfProject:
    project_id: strawberry.ID = path_field("The project's id or name, such as acme:web.")


@strawberry.input
class OfEnvironment:
    environment_id: strawberry.ID = path_field("The environment's id or name, such as acme:web:production.")


@strawberry.input
class Reasoned:
    reason: str | None = optional_field("Why, for the audit.")


@strawberry.input
class Conditional:
    if_match: str | None = header_field("Refuse the write unless this is the current etag, or is `*`.")


@strawberry.input
class Audited(Reasoned, Conditional):
    pass


@strawberry.input
class Overridable(Audited):
    break_glass: str | None = header_field("Why an owner overrides protection; recorded in the audit.")


@strawberry.input
class Described:
    name: str | None = optional_field("The name for people; the key is shown where it is empty.")
    description: str | None = optional_field("The description.")
    tags: list[str] | None = optional_field("Up to 20 words of the same characters as keys.")
    maintainer_id: strawberry.ID | None = optional_field("The user id of the member who looks after it, or null.")
    permanent: bool | None = optional_field("Whether it is meant to stay, so that it never counts as stale.")


@strawberry.input
class OfPrimitive(OfProject, Audited):
    key: str = path_field("The key of the flag, config or segment.")


@strawberry.input
class OfState(OfEnvironment, Overridable):
    key: str = path_field("The key of the flag, config or segment.")


@strawberry.input
class Confirmed:
    confirm: str | None = optional_field("The slug or key of what is deleted.")


def break_glass(given: Any, faults: dict[str, str]) -> str | None:
    """The reason to override protection; None, perhaps with a fault, where the input has none."""
    reason = given.break_glass if isinstance(given, Overridable) else None
    return None if reason is None or reason is strawberry.UNSET else free_text(reason, "breakGlass", faults)


def if_match(given: Conditional) -> IfMatch:
    return IfMatch(None if given.if_match is strawberry.UNSET else given.if_match, "ifMatch")


def min_version_of(given: int | None) -> MinVersion:
    return MinVersion(None if given is strawberry.UNSET else given, "minVersion")


def body_of(given: Any) -> dict[str, Any]:
    """The members that were sent, in camelCase, but for those outside REST's body.

    Raises `invalid_request` where values of several variables have been put together deeper than a body may be.
    """
    body = _body(given)
    if faults := json_text.faults_of(body):
        raise invalid({path or "body": message for path, message in faults.items()})
    outside: dict[str, str] = {}
    break_glass(given, outside)
    return Input(body, outside) if outside else body


def _body(given: Any) -> dict[str, Any]:
    members = [one.name for one in dataclasses.fields(given) if _OUTSIDE_BODY not in one.metadata]
    values = {to_camel(name): getattr(given, name) for name in members}
    return {name: _plain(value) for name, value in values.items() if value is not strawberry.UNSET}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, RuleInput):
        return rule_body(value)
    if dataclasses.is_dataclass(value):
        return _body(value)
    return value.value if isinstance(value, Enum) else value
