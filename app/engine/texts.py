"""The texts in rules: names, descriptions and seeds, measured in code points."""

import re
import unicodedata
from typing import Any

from app.engine.faults import FaultPath

MAX_NAME = 200
MAX_TEXT = 2_000
# Marks that turn the direction of the text after them, with which a name can be made to read as another.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SEEN_AS_NOTHING = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0]")
_EMPTY_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


def fault_in_line(text: str) -> str | None:
    """What a text of one line must not contain, if it does."""
    return fault_in_lines(text) or ("Must be one line." if re.search("[\n\u2028\u2029]", text) else None)


def fault_in_lines(text: str) -> str | None:
    """What a text must not contain, if it does: control characters but for line feeds, and marks of direction."""
    if any(unicodedata.category(character) == "Cc" and character != "\n" for character in text):
        return "Must not contain control characters."
    if _TURNING.search(text):
        return "Must not contain characters that change the direction of text."
    return None


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in the text."""
    return all(
        unicodedata.category(character) in _EMPTY_CATEGORIES or _SEEN_AS_NOTHING.match(character) for character in text
    )


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


def parse_name(value: Any, where: FaultPath, *, stored: bool) -> str | None:
    """`value` as a name: a line of at most 200 code points in which there is something to see.

    What is `stored` was once accepted, and need only be a text.
    """
    name = parse_text(value, where, MAX_NAME)
    if name is None or stored:
        return name
    if fault := "Must not be empty." if is_blank(name) else fault_in_line(name):
        where.add(fault)
        return None
    return name


def parse_description(value: Any, where: FaultPath, *, stored: bool) -> str | None:
    """`value` as a text of several lines."""
    text = parse_text(value, where, MAX_TEXT)
    if text is not None and not stored and (fault := fault_in_lines(text)):
        where.add(fault)
        return None
    return text
