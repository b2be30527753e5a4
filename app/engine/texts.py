"""The texts in rules: names, descriptions and seeds, measured in code points."""

from typing import Any

from app.engine.faults import FaultPath

MAX_NAME = 200
MAX_TEXT = 2_000


def parse_text(value: Any, where: FaultPath, longest: int) -> str | None:
    """`value` as a text of at most `longest` code points without NUL; None, with a fault, if it is not valid."""
    if not isinstance(value, str):
        where.add("Must be a string.")
    elif len(value) > longest:
        where.add(f"Must have at most {longest} characters.")
    elif "\0" in value:
        where.add("Must not contain a NUL character.")
    else:
        return value
    return None


def parse_name(value: Any, where: FaultPath) -> str | None:
    """`value` as a name: a text of at most 200 code points that is not blank."""
    name = parse_text(value, where, MAX_NAME)
    if name is not None and not name.strip():
        where.add("Must not be empty.")
        return None
    return name
