"""RE2 patterns: linear in the length of the text whatever the pattern, the same language as in RE2 itself."""

from collections.abc import Callable

import re2

MAX_PATTERN = 1_000

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 512 * 1024  # bytes: what takes more takes too long to compile while everybody waits
_OPTIONS.never_capture = True  # nobody asks for groups, and without them RE2 need not leave its automaton


class PatternError(ValueError):
    """The text is no RE2 pattern; the message is RE2's own."""


def whole_match(pattern: str) -> Callable[[str], bool]:
    """A test whether a whole text matches `pattern`. Raises PatternError."""
    try:
        # Bytes spare the package its reckoning of offsets in characters.
        fullmatch = re2.compile(pattern.encode(), _OPTIONS).fullmatch
    except re2.error as fault:
        raise PatternError(fault.args[0].decode()) from None
    return lambda text: fullmatch(text.encode()) is not None
