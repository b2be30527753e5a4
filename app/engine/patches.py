"""What differs between two JSON values, as a JSON Patch (RFC 6902).

The library compares lists in a time that can grow with the square of their lengths, so a long list counts as one value:
where it differs, it is replaced as a whole.
"""

from typing import Any

import jsonpatch

from app.engine.json_values import equal

MAX_COMPARED = 200  # members of a list


class _Long(str):
    """Takes the place of a long list, and is equal to another one's place if the lists are."""

    __slots__ = ("members",)
    members: list[Any]

    @classmethod
    def of(cls, members: list[Any]) -> "_Long":
        place = cls(repr(members))
        place.members = members
        return place


def patch(before: Any, after: Any) -> list[dict[str, Any]]:
    """The operations that make `after` of `before`."""
    if isinstance(before, dict) and isinstance(after, dict):
        made = jsonpatch.make_patch(_shortened(before), _shortened(after)).patch
        return [_restored(operation) for operation in made]
    return [] if equal(before, after) else [{"op": "replace", "path": "", "value": after}]


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(member) for name, member in value.items()}
    if isinstance(value, list):
        return _Long.of(value) if len(value) > MAX_COMPARED else [_shortened(member) for member in value]
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _restored(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_restored(member) for member in value]
    return value.members if isinstance(value, _Long) else value
