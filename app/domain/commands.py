"""Commands: what callers may send, validated once for both transports.

A command is a strict pydantic model with camelCase names that refuses unknown fields; `validate` turns every fault of
a body into the catalogue's `invalid_request`, by dotted path. The commands are in services, with their use cases.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.functional_validators import AfterValidator, BeforeValidator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from app.domain.emails import network_address
from app.domain.errors import invalid, invalid_at
from app.engine import json_text, texts
from app.engine.faults import FaultPath
from app.engine.instants import utc
from app.engine.paths import parse_path
from app.engine.suggestions import did_you_mean, unknown
from app.engine.texts import MAX_NAME

SLUG_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,127}$"
_SLUG = re.compile(SLUG_PATTERN.removesuffix("$") + r"\Z")
_SIGNS = r"@\s<>\"(),:;\\\[\]"  # not allowed in any part of an email
_EMAIL = re.compile(rf"[^{_SIGNS}]+@(?:[^{_SIGNS}.]+\.)+[^{_SIGNS}.]+")
MAX_EMAIL = 254
MAX_REASON = 2000


def is_slug(text: str) -> bool:
    """Whether `text` has the grammar of slugs and keys. One that has not names nothing that exists."""
    return _SLUG.match(text) is not None


def _slug(text: str) -> str:
    if not is_slug(text):
        raise PydanticCustomError(
            "slug",
            "Must be 1 to 128 characters of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or digit.",
        )
    return text


def _plain(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul", "Must not contain a NUL character.")
    return text


def _one_line(text: str) -> str:
    return _without(texts.fault_in_line(text), text)


def _lines(text: str) -> str:
    text = text.replace("\r\n", "\n")  # as forms send it
    return _without(texts.fault_in_lines(text), text)


def _without(fault: str | None, text: str) -> str:
    if fault is not None:
        raise PydanticCustomError("characters", fault)
    return text


def _filled(text: str) -> str:
    if texts.is_blank(text):
        raise PydanticCustomError("empty", "Must not be empty.")
    return text


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text) or not text.isprintable() or "=?" in text or network_address(text) is None:
        raise PydanticCustomError("email", "Must be an email address.")
    return text


def _field_path(text: str) -> str:
    faults: dict[str, str] = {}
    parse_path(text, FaultPath(faults, ""))
    return _without(next(iter(faults.values()), None), text)


Slug = Annotated[str, AfterValidator(_slug), Field(json_schema_extra={"pattern": SLUG_PATTERN})]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_NAME), AfterValidator(_one_line)]
Name = Annotated[Line, AfterValidator(_filled), Field(json_schema_extra={"minLength": 1})]
Key = Annotated[str, AfterValidator(_plain)]
Text = Annotated[str, StringConstraints(max_length=MAX_REASON), AfterValidator(_lines)]
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_EMAIL), AfterValidator(_email)]
FieldPath = Annotated[
    str, AfterValidator(_field_path), Field(json_schema_extra={"minLength": 1, "maxLength": MAX_NAME})
]


def _switched(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Switch = Annotated[bool, BeforeValidator(_switched)]  # for what may come in a query, where all is text


def _instant(text: Any) -> Any:
    if text is None:
        raise PydanticCustomError("null", "Must not be null.")
    at = utc(text) if isinstance(text, str) else None
    if at is None:
        raise PydanticCustomError("instant", "Must be an RFC 3339 instant, such as 2026-03-02T09:00:00Z.")
    return at


Instant = Annotated[datetime, BeforeValidator(_instant)]


def free_text(text: str, place: str, faults: dict[str, str]) -> str | None:
    """The text that came in a header or argument; None, with a fault at the `place`, if it is not valid."""
    text = text.replace("\r\n", "\n")
    fault = texts.fault_in_lines(text)
    if len(text) > MAX_REASON or texts.is_blank(text):
        fault = f"Must have 1 to {MAX_REASON} characters."
    if fault is not None:
        faults[place] = fault
        return None
    return text


class Command(BaseModel):
    """The base of all commands: strict types, camelCase, nothing unknown."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _few_unknown(cls, body: Any) -> Any:
        """The body with no more unknown members than an answer names: each costs time."""
        if not isinstance(body, Mapping) or len(body) <= len(cls.model_fields) + json_text.MAX_FAULTS:
            return body
        known = names_of(cls)
        unknown_ones = islice((name for name in body if name not in known), json_text.MAX_FAULTS)
        return {name: body[name] for name in (*known & body.keys(), *unknown_ones)}

    def given(self) -> dict[str, Any]:
        """The fields that the caller sent, by their Python names: what a PATCH changes. A reason changes nothing."""
        return {name: getattr(self, name) for name in self.model_fields_set if name != "reason"}

    def recorded(self) -> dict[str, Any]:
        """All fields as the audit keeps them. It has a place of its own for the reason."""
        return self.model_dump(by_alias=True, exclude={"reason"})


class NoBody(Command):
    """For operations that take nothing: a body, if there is one, must be `{}`."""


def names_of(command: type[Command]) -> frozenset[str]:
    """The names that callers use for the command's fields."""
    return frozenset(to_camel(name) for name in command.model_fields)


def lists_of(command: type[Command]) -> frozenset[str]:
    """The names of the command's fields that are lists."""
    return frozenset(
        to_camel(name) for name, field in command.model_fields.items() if get_origin(field.annotation) is list
    )


class Input(dict[str, Any]):
    """Members that a caller sent in several places, with what is wrong between them: `faults`, path to message.

    They are reported when the members are: `validate` adds them to its own. A member that did not come in a body has
    a place of its own (`?limit`), which is where its faults stand.
    """

    def __init__(
        self, members: Mapping[str, Any], faults: Mapping[str, str], places: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(members)
        self.faults = faults
        self.places = places or {}


def place_of(name: str, body: object) -> str:
    """Where a fault of a member stands."""
    return body.places.get(name, name) if isinstance(body, Input) else name


C = TypeVar("C", bound=Command)


def validate(command: type[C], body: Any, faults: Mapping[str, str] | None = None) -> C:
    """`body` (decoded JSON) as the command. Raises `invalid_request` with all faults, those found before included.

    Validators may add to the context's `faults` (path to message).
    """
    if not isinstance(body, Mapping):
        raise invalid_at("body", "The body must be a JSON object.")
    given = body if isinstance(body, Input) else Input(body, {})
    found = {**given.faults, **(faults or {})}
    try:
        made: C = command.model_validate(body, context={"faults": found}) if body or found else _of_nothing(command)
    except ValidationError as fault:
        raise invalid({**_fault_paths(fault, command, given.places), **found}) from None
    if found:
        raise invalid(found)
    return made


@cache  # a command never changes, and most reads come without parameters
def _of_nothing(command: type[C]) -> C:
    return command.model_validate({}, context={"faults": {}})


def _fault_paths(fault: ValidationError, command: type[Command], places: Mapping[str, str]) -> dict[str, str]:
    """Dotted path to message; of several faults at one path the first."""
    fields: dict[str, str] = {}
    for error in fault.errors(include_url=False)[: json_text.MAX_FAULTS]:
        first, *others = error["loc"] or ("body",)
        message = _message(error)
        if error["type"] == "extra_forbidden":
            message = unknown("field", str(error["loc"][-1]), names_at(command, error["loc"][:-1]), len(fields))
        fields.setdefault(json_text.dotted_path([places.get(str(first), first), *others]), message)
    return fields


def names_at(command: type[Command], steps: Iterable[str | int]) -> frozenset[str]:
    """The names of the fields of the command that is found at the steps into another one."""
    for step in steps:
        for name, field in command.model_fields.items():
            if step == (field.alias or name):
                command = next(_commands_in(field.annotation), command)
    return names_of(command)


def _commands_in(annotation: Any) -> Iterator[type[Command]]:
    if isinstance(annotation, type) and issubclass(annotation, Command):
        yield annotation
    for part in get_args(annotation):
        yield from _commands_in(part)


_MESSAGES = {
    "missing": "Is required.",
    "extra_forbidden": "Unknown field.",
    "string_type": "Must be a string.",
    "bool_type": "Must be true or false.",
    "int_type": "Must be an integer.",
    "list_type": "Must be a list.",
    "int_parsing": "Must be an integer.",
    "bool_parsing": "Must be true or false.",
    "dict_type": "Must be an object.",
    "model_type": "Must be an object.",
    "string_too_long": "Must have at most {max_length} characters.",
    "too_short": "Must have at least {min_length} entries.",
    "too_long": "Must have at most {max_length} entries.",
    "greater_than_equal": "Must be at least {ge}.",
    "less_than_equal": "Must be at most {le}.",
}


def _message(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if (known := _MESSAGES.get(error["type"])) is not None:
        return known.format_map(context)
    if error["type"] in {"enum", "literal_error"}:
        words = str(context["expected"]).replace("'", "").replace(" or ", ", ")
        return f"Must be one of {words}.{did_you_mean(error['input'], words.split(', '))}"
    return error["msg"].rstrip(".") + "."
