"""Versions of Semantic Versioning 2.0, and their precedence (semver.org, item 11)."""

import re

Precedence = tuple[tuple[tuple[int, str], ...], bool, tuple[tuple[bool, int, str], ...]]

_NUMBER = r"(0|[1-9][0-9]*+)"
_IDENTIFIERS = r"[0-9A-Za-z-]++(?:\.[0-9A-Za-z-]++)*+"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_IDENTIFIERS}))?(?:\+{_IDENTIFIERS})?")


def precedence(text: str) -> Precedence | None:
    """A key that sorts like the version, ignoring build metadata; None if `text` is not a version.

    Digits are compared by length and then as text, because a caller can send more of them than Python converts to int.
    """
    found = _VERSION.fullmatch(text)
    if found is None:
        return None
    *core, prerelease = found.groups()
    identifiers = prerelease.split(".") if prerelease is not None else []
    if any(_is_number(identifier) and identifier[0] == "0" != identifier for identifier in identifiers):
        return None
    numbers = tuple((len(number), number) for number in core)
    return numbers, prerelease is None, tuple(map(_identifier_key, identifiers))


def _identifier_key(identifier: str) -> tuple[bool, int, str]:
    if _is_number(identifier):
        return False, len(identifier), identifier
    return True, 0, identifier


def _is_number(identifier: str) -> bool:
    return identifier.isdigit()
