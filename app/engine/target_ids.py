"""The allow and deny lists of segments: target ids as strings, each counted once."""

from typing import Any

from app.engine.faults import Faults, Place
from app.engine.operators import MAX_ENTRIES


def parse_target_ids(document: Any, path: str, faults: Faults) -> frozenset[str]:
    """The ids that a list holds; what is wrong with it is added to `faults`."""
    place = Place(faults, path)
    if not isinstance(document, list):
        place.refuse("Must be a list.")
        return frozenset()
    for index, entry in enumerate(document):
        if not isinstance(entry, str):
            place.at(index).refuse("Must be a string.")
    ids = frozenset(entry for entry in document if isinstance(entry, str))
    if len(ids) > MAX_ENTRIES:
        place.refuse(f"Must have at most {MAX_ENTRIES} entries.")
    return ids
