"""RE2 patterns, which take linear time in the length of the text, whatever the pattern."""

from collections.abc import Callable

import re2

MAX_PATTERN = 1_000

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 512 * 1024  # bytes: larger programs take too long to compile on the event loop
_OPTIONS.never_capture = True  # groups are not used, and without them RE2 can always use its automaton


class PatternError(ValueError):
    """The text is not an RE2 pattern; the message is RE2's."""


def whole_match(pattern: str) -> Callable[[str], bool]:
    """A test whether a whole text matches `pattern`. Raises PatternError."""
    try:
        # With bytes, the package need not compute offsets in characters.
        fullmatch = re2.compile(pattern.encode(), _OPTIONS).fullmatch
    except re2.error as fault:
        raise PatternError(fault.args[0].decode()) from None
    return lambda text: fullmatch(text.encode()) is not None
