"""Paths to values in a context: `field`, `bucketBy` and the target id field.

A name is looked up as a whole key first, then as a dotted path through objects, never into arrays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.engine.faults import FaultPath
from app.engine.json_values import MISSING
from app.engine.texts import MAX_NAME, parse_text

Context = Mapping[str, Any]
"""The JSON object that a caller evaluates for."""


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A name as it was written, and its steps. A name without a dot is its own only step."""

    text: str
    steps: tuple[str, ...]

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(text: str) -> "FieldPath":
        """`text` as a path; dots separate the steps."""
        return FieldPath(text, tuple(text.split(".")))

    def look_up(self, context: Context) -> Any:
        """The value in `context`, or MISSING. null is a value."""
        found = context.get(self.text, MISSING)
        if found is not MISSING or len(self.steps) == 1:
            return found
        found = context
        for step in self.steps:
            if not isinstance(found, dict):
                return MISSING
            found = found.get(step, MISSING)
        return found


def parse_path(value: Any, where: FaultPath, *, stored: bool = False) -> FieldPath | None:
    """`value` as a path of at most 200 code points without an empty step; None, with a fault, if it is not valid.

    One that follows other rules than ours, and so would never find anything, is refused unless it is stored already.
    """
    text = parse_text(value, where, MAX_NAME)
    if text is None:
        return None
    path = FieldPath.of(text)
    if "" in path.steps:
        where.add("Must not be empty or contain an empty step.")
    elif not stored and (advice := unreachable(text)) is not None:
        where.add(advice)
    else:
        return path
    return None


def unreachable(text: str) -> str | None:
    """What to write instead of a path in the syntax of JavaScript or JSONPath; None where it is none."""
    if _JSON_PATH.match(text):
        return f"Paths do not begin with $: write {text[2:]}."
    if _INDEX.search(text):
        return (
            "Cannot look into arrays by [index]. Ask what an array holds with $contains, $containsAny or $containsAll, "
            "or send the value as a field of its own."
        )
    if found := _QUOTED.search(text):
        return f"Write .{found[1][1:-1]} instead of {found[0]}."
    return None


_JSON_PATH = re.compile(r"\$\..")
_INDEX = re.compile(r"\[(?:[0-9]*|\*)\](?:[.\[]|$)")
_QUOTED = re.compile(r"""\[("[^"\[\]]*"|'[^'\[\]]*')\]""")
