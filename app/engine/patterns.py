"""RE2 patterns. Their time is linear in the length of the text, but each character may cost the whole program.

Compiling takes far longer than anything else that rules need, so equal patterns share one compiled program, and the
programs of one state are bounded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

import re2

MAX_PATTERN = 1_000
MAX_PROGRAMS = 2 * 1024 * 1024
"""The most bytes that the compiled patterns of one state take."""

_INSTRUCTION = 16  # bytes
_MAX_PROGRAM = 512 * 1024 * 2 // 3  # what RE2 takes of `max_mem` for one program

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 512 * 1024
_OPTIONS.never_capture = True  # groups are not used, and without them RE2 can always use its automaton


class PatternError(ValueError):
    """The text cannot be used as a pattern; the message says why."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Pattern:
    """A compiled pattern; `instructions` is the length of its program."""

    fullmatch: Callable[[bytes], object]
    instructions: int

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        return self.fullmatch(text.encode()) is not None


_patterns: WeakValueDictionary[str, Pattern] = WeakValueDictionary()


class Programs:
    """Compiles the patterns of one state; beyond the bytes left, all are refused, and nothing more is compiled."""

    def __init__(self, most: float = MAX_PROGRAMS) -> None:
        self._left = most
        self._counted: dict[str, Pattern] = {}

    def compile(self, text: str) -> Pattern:
        """Raises PatternError."""
        if text not in self._counted and self._left >= 0:
            self._counted[text] = pattern = _patterns.get(text) or self._compiled(text)
            self._left -= pattern.instructions * _INSTRUCTION
        if self._left < 0:
            raise PatternError(f"The patterns of one state must compile to at most {MAX_PROGRAMS >> 20} MiB")
        return self._counted[text]

    def _compiled(self, text: str) -> Pattern:
        try:
            # With bytes, the package need not compute offsets in characters.
            compiled = re2.compile(text.encode(), _OPTIONS)
        except re2.error as fault:
            message = fault.args[0].decode()
            if "too large" in message:
                self._left -= _MAX_PROGRAM
            raise PatternError(f"Must be an RE2 pattern: {message}") from None
        pattern = _patterns[text] = Pattern(compiled.fullmatch, compiled.programsize)
        return pattern
