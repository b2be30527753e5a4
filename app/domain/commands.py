"""Commands: what callers may send, validated once for both transports.

A command is a strict pydantic model with camelCase names that refuses unknown fields; `validate` turns every fault of
a body into the catalogue's `invalid_request`, by dotted path. The commands are in services, with their use cases.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.functional_validators import AfterValidator, BeforeValidator
from pydantic_core import ErrorDetails, PydanticCustomError

from app.domain.emails import network_address
from app.domain.errors import AppError, invalid
from app.engine import json_text
from app.engine.faults import FaultPath
from app.engine.paths import parse_path
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
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise PydanticCustomError("control", "Must not contain control characters.")
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("empty", "Must not be empty.")
    return text


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text) or not text.isprintable() or "=?" in text or network_address(text) is None:
        raise PydanticCustomError("email", "Must be an email address.")
    return text


def _field_path(text: str) -> str:
    faults: dict[str, str] = {}
    parse_path(text, FaultPath(faults, ""))
    for fault in faults.values():
        raise PydanticCustomError("path", fault)
    return text


Slug = Annotated[str, AfterValidator(_slug), Field(json_schema_extra={"pattern": SLUG_PATTERN})]
Name = Annotated[
    str,
    StringConstraints(max_length=MAX_NAME),
    AfterValidator(_one_line),
    AfterValidator(_filled),
    Field(json_schema_extra={"minLength": 1}),
]
Key = Annotated[str, AfterValidator(_plain)]
Text = Annotated[str, StringConstraints(max_length=MAX_REASON), AfterValidator(_plain)]
Email = Annotated[str, StringConstraints(max_length=MAX_EMAIL), AfterValidator(_email)]
FieldPath = Annotated[
    str, AfterValidator(_field_path), Field(json_schema_extra={"minLength": 1, "maxLength": MAX_NAME})
]


def _switched(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


Switch = Annotated[bool, BeforeValidator(_switched)]  # for what may come in a query, where all is text


@dataclass(frozen=True, slots=True)
class UncheckedText:
    """Free text from the header or argument `name`, unread until it counts."""

    text: str
    name: str

    def validated(self) -> str:
        if not 0 < len(self.text) <= MAX_REASON or "\0" in self.text:
            raise invalid({self.name: f"Must have 1 to {MAX_REASON} characters."})
        return self.text


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


class Input(dict[str, Any]):
    """Members that a caller sent in several places, with what is wrong between them: `faults`, path to message.

    They are reported when the members are: `validate` adds them to its own.
    """

    def __init__(self, members: Mapping[str, Any], faults: Mapping[str, str]) -> None:
        super().__init__(members)
        self.faults = faults


C = TypeVar("C", bound=Command)


def validate(command: type[C], body: Any, faults: Mapping[str, str] | None = None) -> C:
    """`body` (decoded JSON) as the command. Raises `invalid_request` with all faults, those found before included.

    Validators may add to the context's `faults` (path to message).
    """
    if not isinstance(body, Mapping):
        raise AppError("invalid_request", "The body must be a JSON object.")
    found = {**(body.faults if isinstance(body, Input) else {}), **(faults or {})}
    try:
        made = command.model_validate(body, context={"faults": found})
    except ValidationError as fault:
        raise invalid({**fault_paths(fault), **found}) from None
    if found:
        raise invalid(found)
    return made


def fault_paths(fault: ValidationError) -> dict[str, str]:
    """Dotted path to message; of several faults at one path the first."""
    fields: dict[str, str] = {}
    for error in fault.errors(include_url=False)[: json_text.MAX_FAULTS]:
        path = ""
        for step in error["loc"]:
            path = json_text.join(path, step)
        fields.setdefault(path, _message(error))
    return fields


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
        return "Must be true." if words == "True" else f"Must be one of {words}."
    return error["msg"].rstrip(".") + "."
