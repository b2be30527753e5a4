"""From a GraphQL input object to the body that REST would have been sent, for the one validation of both."""

import dataclasses
from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any, TypeVar

import strawberry
from pydantic.alias_generators import to_camel

from app.domain.commands import UncheckedText
from app.domain.errors import invalid
from app.domain.preconditions import IfMatch
from app.engine import json_text
from app.graphql.rules import RuleInput, rule_body

T = TypeVar("T")

Input = Annotated[T, strawberry.argument(description="What is asked for.")]


def if_match_field() -> Any:
    """The member of an input that carries REST's `If-Match`."""
    return strawberry.field(
        default=strawberry.UNSET, description="Refuse the write unless this is the present etag, or is `*`."
    )


def reason_field() -> Any:
    """The member of an input that says why."""
    return strawberry.field(default=strawberry.UNSET, description="Why, for the audit.")


def confirm_field(what: str = "The slug or key of what is destroyed.") -> Any:
    """The member of an input that says what is destroyed."""
    return strawberry.field(default=strawberry.UNSET, description=what)


def break_glass_field() -> Any:
    """The member of an input that carries REST's `X-Break-Glass`."""
    return strawberry.field(
        default=strawberry.UNSET, description="Why protection is overridden, by an owner; the audit will say so."
    )


def break_glass(given: Any) -> UncheckedText | None:
    """The reason to break the glass, if the input has one."""
    reason = getattr(given, "break_glass", None)
    return None if reason is None or reason is strawberry.UNSET else UncheckedText(reason, "breakGlass")


def if_match(given: Any) -> IfMatch:
    """The precondition of an input."""
    return IfMatch(None if given.if_match is strawberry.UNSET else given.if_match, "ifMatch")


def body_of(given: Any, *addressing: str) -> dict[str, Any]:
    """The members that were sent, in camelCase; `addressing` names those that stand in REST's path.

    Raises `invalid_request` where values of several variables have been put together deeper than a body may be.
    """
    body = _body(given, addressing)
    if faults := json_text.faults_of(body):
        raise invalid(faults)
    return body


def _body(given: Any, addressing: Iterable[str] = ()) -> dict[str, Any]:
    left_out = {*addressing, "if_match", "break_glass"}
    members = {member.name: getattr(given, member.name) for member in dataclasses.fields(given)}
    return {
        to_camel(name): _plain(value)
        for name, value in members.items()
        if name not in left_out and value is not strawberry.UNSET
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, RuleInput):
        return rule_body(value)
    if dataclasses.is_dataclass(value):
        return _body(value)
    return value.value if isinstance(value, Enum) else value
