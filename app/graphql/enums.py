"""The domain's enums in the schema, each word with what it means."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, cast

import strawberry

E = TypeVar("E", bound=Enum)


def describe(words: type[E], name: str, description: str, meanings: Mapping[E, str]) -> None:
    """Makes the enum one of the schema. Strawberry takes descriptions of values only from enums that are its own."""
    strawberry.enum(words, name=name, description=description)
    for value in cast(Any, words).__strawberry_definition__.values:
        value.description = meanings[words[value.name]]
