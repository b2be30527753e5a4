"""The words for what an environment holds: kinds of primitives, their value types, and which values fit."""

from enum import StrEnum
from typing import Any

from app.engine import json_text


class Kind(StrEnum):
    """What a primitive is. Flags and configs share one key space in a project, segments have their own."""

    FLAG = "flag"
    CONFIG = "config"
    SEGMENT = "segment"


class FlagType(StrEnum):
    """What a flag's values are."""

    BOOLEAN = "boolean"
    STRING = "string"


MAX_VALUE_BYTES = 64 * 1024


def check_value(value_type: FlagType, value: Any, path: str, faults: dict[str, str]) -> None:
    """Adds to `faults`, under `path`, what is wrong with `value` as a value of the type."""
    expected = bool if value_type is FlagType.BOOLEAN else str
    if type(value) is not expected:
        faults.setdefault(path, f"Must be a {value_type} (the flag's type).")
    elif len(json_text.encode(value).encode()) > MAX_VALUE_BYTES:
        faults.setdefault(path, f"Must be at most {MAX_VALUE_BYTES // 1024} KiB of JSON.")
