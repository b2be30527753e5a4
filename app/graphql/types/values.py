"""Values and rules as the database holds them: JSON texts, which cost by their length."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import strawberry

from app.graphql.context import Info
from app.graphql.limits import CHARACTERS_AN_OBJECT
from app.graphql.types.scalars import JSON
from app.store import json_columns

T = TypeVar("T")


def stored(info: Info, read: Callable[[str], T], text: str | None) -> T:
    """What a text of the database holds."""
    text = text or ""
    info.context.pace.made(len(text) // CHARACTERS_AN_OBJECT)
    return read(text)


def initial_value(root: strawberry.Parent[Any], info: Info) -> JSON | None:
    """An identity's."""
    return cast("JSON", stored(info, json_columns.value, root.row.initial_value))


def default_value(root: strawberry.Parent[Any], info: Info) -> JSON | None:
    """A state's."""
    return cast("JSON", stored(info, json_columns.value, root.current.state.default_value))


def json_schema(root: strawberry.Parent[Any], info: Info) -> JSON | None:
    """An identity's."""
    text = root.row.json_schema
    return None if text is None else cast("JSON", stored(info, json_columns.value, text))
