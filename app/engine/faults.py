"""Where a parser stands in a document, and the collector of what is wrong there.

Every parser of the rule language refuses through a FaultPath, so that each fault lands at its own path and all of
them in one answer. It may not decide what a fault means to the caller.
"""

from typing import Final

from app.engine.json_text import MAX_FAULTS, join

Faults = dict[str, str]


class FaultPath:
    """One spot of a document. The path is put together only when something is wrong there."""

    __slots__ = ("_parent", "_step", "faults")

    def __init__(self, faults: Faults, step: str | int, parent: "FaultPath | None" = None) -> None:
        """`faults` maps paths to messages and is added to; a root's `step` is the path of the whole document."""
        self.faults: Final = faults
        self._step = step
        self._parent = parent

    def at(self, step: str | int) -> "FaultPath":
        """The where one step further in: a member's name or an entry's index."""
        return FaultPath(self.faults, step, self)

    @property
    def path(self) -> str:
        """The dotted path, as errors show it."""
        return str(self._step) if self._parent is None else join(self._parent.path, self._step)

    def add(self, message: str) -> None:
        """Record what is wrong here. The first fault at a path stays; nobody reads more than so many."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.setdefault(self.path, message)
