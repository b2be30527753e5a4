"""What is left of a context when only what some paths name is kept."""

from collections.abc import Iterable
from typing import Any

from app.engine.json_values import MISSING
from app.engine.paths import Context, FieldPath


def projected(context: Context, paths: Iterable[FieldPath]) -> dict[str, Any]:
    """The values at the paths, where the paths find them. None of the paths begins with another."""
    kept: dict[str, Any] = {}
    for path in paths:
        found = path.look_up(context)
        if found is MISSING:
            continue
        within, name = kept, path.text
        if name not in context:
            *outside, name = path.steps
            for step in outside:
                within = within.setdefault(step, {})
        within[name] = found
    return kept
