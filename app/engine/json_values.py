"""Equality of decoded JSON in the rule language: by value, numbers exactly, `true` different from 1.

Values are those of a strict decoder: str, bool, None, list, dict, int from -2^63 to 2^64-1 and float for
every other number.
"""

from collections.abc import Hashable
from typing import Any, Final


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""The result of a look-up that finds nothing. It equals no value, not even null."""

NUMBERS: Final = frozenset({int, float})
"""The exact types of numbers: to Python bool is an int, to JSON it is not a number."""

_TRUE: Final = (bool, 1)
_FALSE: Final = (bool, 0)


def freeze(value: Any) -> Hashable:
    """A hashable equivalent: two values are equal as JSON exactly if their equivalents are equal.

    Strings, numbers, null and MISSING are their own equivalents. Python compares int and float exactly, and equal ones
    have equal hashes.
    """
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    if isinstance(value, list):
        return tuple(map(freeze, value))
    if isinstance(value, dict):
        return frozenset((name, freeze(member)) for name, member in value.items())
    return value  # type: ignore[no-any-return]


def equal(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON: 1 is 1.0, `true` is not 1, members in any order."""
    return freeze(left) == freeze(right)
