"""The scalars of the schema: any JSON value, and instants."""

from datetime import datetime
from typing import Any, NewType

import strawberry
from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)
from strawberry.types.scalar import ScalarDefinition

from app.engine import json_text
from app.engine.instants import rfc3339

JSON = NewType("JSON", object)
Time = NewType("Time", datetime)


def _literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    """A JSON value written in the document, under the same rules as one that comes in a variable."""
    value = _value(node, variables)
    if json_text.nests_deeper(value, json_text.MAX_DEPTH - 1):
        raise GraphQLError(f"JSON must not be nested more than {json_text.MAX_DEPTH} levels deep.", [node])
    return value


def _value(node: ValueNode, variables: dict[str, Any] | None) -> Any:
    match node:
        case VariableNode():
            return (variables or {}).get(node.name.value)
        case ObjectValueNode():
            return {member.name.value: _value(member.value, variables) for member in node.fields}
        case ListValueNode():
            return [_value(member, variables) for member in node.values]
        case IntValueNode() | FloatValueNode():
            return _number(node.value)
        case NullValueNode():
            return None
        case StringValueNode() | BooleanValueNode():
            return node.value
        case EnumValueNode():
            raise GraphQLError(f"JSON has no word {node.value}; put text in quotes.", [node])
    raise GraphQLError("This is not a JSON value.", [node])


def _number(digits: str) -> int | float:
    try:
        value: int | float = json_text.decode(digits.encode())
    except json_text.BadJson as fault:
        raise GraphQLError(next(iter(fault.faults.values()))) from fault
    return value


SCALARS: dict[object, ScalarDefinition] = {
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value: null, true, false, a number, a string, a list or an object.",
        serialize=lambda value: value,
        parse_value=lambda value: value,
        parse_literal=_literal,
    ),
    Time: strawberry.scalar(
        name="Time",
        description="An instant as RFC 3339 in UTC, ending in `Z`.",
        serialize=rfc3339,
    ),
}
