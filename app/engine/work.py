"""What one evaluation has looked up and prepared, so that it pays for its context once, and what it may still do.

Two things bound it. Comparisons have a limit, which is promised to callers: it depends on the context and the rules
alone. Steps say when an evaluation has become too long for a thread that others wait for.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from app.engine.json_values import MISSING
from app.engine.paths import Context, FieldPath

MAX_CONTEXT_BYTES = 64 * 1024
MAX_COMPARISONS = 5_000_000
"""The most members of arrays that the conditions of one evaluation are compared with."""
LONG_TEXT = 256
"""Texts of up to so many characters are not counted; of longer ones, 16 characters count as a member of an array."""

_CHARACTERS = 16
_CHARACTERS_A_STEP = 256
_INSTRUCTIONS = 2
_INSTRUCTIONS_A_STEP = 8
_MEMBERS_A_STEP = 4
_PREPARED = TypeVar("_PREPARED")


class TooManyComparisons(Exception):
    """The context is too large for what the rules do with it."""


class TooLong(Exception):
    """The evaluation has taken all of its steps; it can be made again off the event loop."""


class Work:
    """The work of one evaluation. Values are those of its context and ruleset, which live as long.

    An `EvaluationCall` begins it: a constructor here, and `super()` there, would take a tenth of a short evaluation.
    """

    __slots__ = ("_comparisons_left", "_known", "_steps_left", "context")

    context: Context
    _known: dict[Hashable, Any]
    _comparisons_left: int
    _steps_left: float

    @property
    def left(self) -> tuple[float, int]:
        """The steps and the comparisons that it may still take."""
        return max(self._steps_left, 0), max(self._comparisons_left, 0)

    def find(self, field: FieldPath) -> Any:
        """The value of a field, or MISSING. A path of several steps is followed once."""
        if len(field.steps) == 1:
            return self.context.get(field.text, MISSING)
        known = self._known
        if field.text not in known:
            known[field.text] = field.look_up(self.context)
        return known[field.text]

    def once(self, prepare: Callable[[Any], _PREPARED], value: Any) -> _PREPARED:
        """`prepare(value)`, called once for the value."""
        identity = prepare, id(value)
        if identity not in self._known:
            if isinstance(value, list | dict):
                self.step(len(value) // _MEMBERS_A_STEP)
            self._known[identity] = prepare(value)
        found: _PREPARED = self._known[identity]
        return found

    def members(self, array: list[Any], prepare: Callable[[Any], frozenset[Hashable]]) -> frozenset[Hashable]:
        """The prepared members of an array, all of which are to be compared with something."""
        self.compare(len(array))
        return self.once(prepare, array)

    def read(self, text: str) -> None:
        """A text is to be searched, or hashed. Short ones are not counted.

        Where that happens in every evaluation, the length is tested before this is called, which takes longer.
        """
        if len(text) > LONG_TEXT:
            self.compare(len(text) // _CHARACTERS)
            self.step(len(text) // _CHARACTERS_A_STEP)

    def match(self, instructions: int, text: str) -> None:
        """A text is to be matched with a pattern, each character perhaps with each of its instructions."""
        cost = instructions * len(text)
        self.compare(cost // _INSTRUCTIONS)
        self.step(cost // _INSTRUCTIONS_A_STEP)

    def compare(self, count: int) -> None:
        """Raises TooManyComparisons."""
        self._comparisons_left -= count
        if self._comparisons_left < 0:
            raise TooManyComparisons

    def step(self, count: int) -> None:
        """Raises TooLong. A step takes about as long as a comparison of two numbers or two short texts."""
        self._steps_left -= count
        if self._steps_left < 0:
            raise TooLong
