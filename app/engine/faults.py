"""The current position of a parser in a document, and the collector of the faults found there.

Every parser of the rule language reports through a FaultPath, so that one answer has all faults, each at its own path.
What a fault means to the caller is decided elsewhere.
"""

from typing import Final

from app.engine.json_text import MAX_FAULTS, dotted_path

Faults = dict[str, str]


class FaultPath:
    """One position in a document. Its path is only built if there is a fault."""

    __slots__ = ("faults", "parent", "step")

    def __init__(self, faults: Faults, step: str | int, parent: "FaultPath | None" = None) -> None:
        """`faults` maps paths to messages, and is extended. A root's `step` is the path of the whole document."""
        self.faults: Final = faults
        self.step: Final = step
        self.parent: Final = parent

    def at(self, step: str | int) -> "FaultPath":
        """The position one step further in: `step` is a member's name or an entry's index."""
        return FaultPath(self.faults, step, self)

    @property
    def path(self) -> str:
        """The dotted path, as errors show it."""
        steps: list[str | int] = []
        position = self
        while position.parent is not None:
            steps.append(position.step)
            position = position.parent
        return dotted_path(reversed(steps), str(position.step))

    def add(self, message: str) -> None:
        """Record a fault here. The first fault at a path wins, and after MAX_FAULTS further ones are dropped."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.setdefault(self.path, message)
