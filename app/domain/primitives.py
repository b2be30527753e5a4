"""The words for what an environment holds: kinds of primitives, their value types, and which values fit."""

from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a primitive is. Flags and configs share one key space in a project, segments have their own."""

    FLAG = "flag"
    CONFIG = "config"
    SEGMENT = "segment"


class FlagType(StrEnum):
    """What a flag's values are."""

    BOOLEAN = "boolean"
    STRING = "string"


def value_fault(value_type: FlagType, value: Any) -> str | None:
    """What is wrong with `value` as a value of the type, or None when it fits."""
    expected = bool if value_type is FlagType.BOOLEAN else str
    return None if type(value) is expected else f"Must be a {value_type} (the flag's type)."
