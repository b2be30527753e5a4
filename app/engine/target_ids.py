"""The allow and deny lists of segments: target ids as strings, each counted once."""

from typing import Any

from app.engine.faults import FaultPath, Faults
from app.engine.operators import MAX_ENTRIES


def parse_target_ids(document: Any, path: str, faults: Faults) -> frozenset[str]:
    """The ids of a list; its faults are added to `faults`."""
    where = FaultPath(faults, path)
    if not isinstance(document, list):
        where.add("Must be a list.")
        return frozenset()
    for index, entry in enumerate(document):
        if not isinstance(entry, str):
            where.at(index).add("Must be a string.")
    ids = frozenset(entry for entry in document if isinstance(entry, str))
    if len(ids) > MAX_ENTRIES:
        where.add(f"Must have at most {MAX_ENTRIES} entries.")
    return ids
