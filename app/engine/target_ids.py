"""The allow and deny lists of segments: target ids as strings, each counted once."""

from typing import Any, NamedTuple

from app.engine.faults import FaultPath, Faults
from app.engine.operators import MAX_ENTRIES

MAX_ID = 500
"""Characters of an entry, which is part of an index."""
TOO_MANY_IDS = f"Must have at most {MAX_ENTRIES} entries."


class EntryChange(NamedTuple):
    """What a list gets and loses."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()

    def applied_to(self, ids: frozenset[str]) -> frozenset[str]:
        """The list afterwards."""
        left = ids - self.remove if self.remove else ids  # either makes a copy
        return left | self.add if self.add else left


def parse_target_ids(document: Any, path: str, faults: Faults) -> frozenset[str]:
    """The ids of a list; its faults are added to `faults`."""
    where = FaultPath(faults, path)
    if not isinstance(document, list):
        where.add("Must be a list.")
        return frozenset()
    for index, entry in enumerate(document):
        if not isinstance(entry, str):
            where.at(index).add("Must be a string.")
        elif len(entry) > MAX_ID or "\0" in entry:
            where.at(index).add(f"Must have at most {MAX_ID} characters, and no NUL.")
    ids = frozenset(entry for entry in document if isinstance(entry, str))
    if len(ids) > MAX_ENTRIES:
        where.add(TOO_MANY_IDS)
    return ids
