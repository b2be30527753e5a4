"""Equality of decoded JSON in the rule language: by value, numbers exactly, `true` different from 1.

Values are those of a strict decoder: str, bool, None, list, dict, int from -2^63 to 2^64-1 and float for
every other number.
"""

import re
from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any, Final

import orjson


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""The result of a look-up that finds nothing. It equals no value, not even null."""

NUMBERS: Final = frozenset({int, float})
"""The exact types of numbers: to Python bool is an int, to JSON it is not a number."""

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**64 - 1

_MAY_HOLD_WHOLE_DOUBLE: Final = re.compile(rb"[0-9](?:\.0|e)")
_ARE_FROZEN: Final = frozenset({str, int, float, type(None)})
_ARE_TEXT: Final = frozenset({list, dict})
_sorted_text: Final = partial(orjson.dumps, option=orjson.OPT_SORT_KEYS)
_TRUE: Final = (bool, 1)
_FALSE: Final = (bool, 0)


def freeze(value: Any) -> Hashable:
    """A hashable equivalent: two values are equal as JSON exactly if their equivalents are equal.

    Strings, numbers, null and MISSING are their own equivalents: Python compares int and float exactly, and equal ones
    have equal hashes. Arrays and objects become bytes, which remember their hash, and for which nobody can choose it.
    """
    if value is True:
        return _TRUE
    if value is False:
        return _FALSE
    if not isinstance(value, list | dict):
        return value  # type: ignore[no-any-return]
    text = _sorted_text(value)
    return _sorted_text(_by_value(value)) if _MAY_HOLD_WHOLE_DOUBLE.search(text) else text


def freeze_members(array: Sequence[Any]) -> frozenset[Hashable]:
    """The frozen members."""
    types = set(map(type, array))
    if types <= _ARE_FROZEN:
        return frozenset(array)
    if types <= _ARE_TEXT and not _MAY_HOLD_WHOLE_DOUBLE.search(_sorted_text(array)):
        return frozenset(map(_sorted_text, array))
    return frozenset(map(freeze, array))


def equal(left: Any, right: Any) -> bool:
    """Whether two values are the same JSON: 1 is 1.0, `true` is not 1, members in any order."""
    return freeze(left) == freeze(right)


def _by_value(value: Any) -> Any:
    """With an int for every double that equals one, so that equal numbers have one text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and MIN_INT <= value <= MAX_INT else value
    if isinstance(value, list):
        return [_by_value(member) for member in value]
    if isinstance(value, dict):
        return {name: _by_value(member) for name, member in value.items()}
    return value
