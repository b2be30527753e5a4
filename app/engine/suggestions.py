"""What a word that does not exist was probably meant to be, and which words do exist."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

MAX_COMPARED = 40
"""Longer words are not compared: the time that takes grows with the square of their length."""
MAX_EXPLAINED = 20
"""As many faults of one answer are explained; the further ones are only named."""
_CUTOFF = 0.6
_NOTHING: Mapping[str, str] = MappingProxyType({})


def likeliest(word: str, known: Collection[str], other_names: Mapping[str, str] = _NOTHING) -> str | None:
    """The known word that `word` is most like, ignoring case, or None.

    `other_names` are what others call the known words, in lower case: `$eq` for `$equals`. They go first.
    """
    if len(word) > MAX_COMPARED:
        return None
    lowered = word.lower()
    if lowered in other_names:
        return other_names[lowered]
    by_lowered = {one.lower(): one for one in known}
    return next((by_lowered[one] for one in get_close_matches(lowered, by_lowered, 1, _CUTOFF)), None)


def did_you_mean(word: Any, known: Collection[str], other_names: Mapping[str, str] = _NOTHING) -> str:
    """` Did you mean name?`, to follow a sentence; empty where nothing is like the word, or it is none."""
    found = likeliest(word, known, other_names) if isinstance(word, str) else None
    return "" if found is None else f" Did you mean {found}?"


def unknown(
    what: str, word: str, known: Collection[str], told: int = 0, other_names: Mapping[str, str] = _NOTHING
) -> str:
    """The fault of a word that is none of the `known`: "Unknown field. Did you mean name? Known fields: key, name."

    `what` it should be: "field", "operator". After `told` other faults of the same answer it is short.
    """
    if told >= MAX_EXPLAINED:
        return f"Unknown {what}."
    listed = f" Known {what}s: {', '.join(sorted(known))}." if known else ""
    return f"Unknown {what}.{did_you_mean(word, known, other_names)}{listed}"
