"""What a proposed promotion changes, as JSON: values by kind in the plural, key and dimension.

Of a list, which may be long, it has what the list gets and loses, and nothing of how it was before.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.engine.kinds import SPECS, Kind
from app.engine.target_ids import EntryChange

Key = tuple[Kind, str]
_ADD, _REMOVE = "add", "remove"


def list_change(change: EntryChange) -> dict[str, list[str]]:
    """The JSON of what a list gets and loses."""
    return {_ADD: sorted(change.add), _REMOVE: sorted(change.remove)}


def entry_change(change: Mapping[str, list[str]]) -> EntryChange:
    """What that JSON says."""
    return EntryChange(frozenset(change[_ADD]), frozenset(change[_REMOVE]))


def wanted_of(after: Mapping[str, Any]) -> dict[Key, dict[str, Any]]:
    """What each state is to have, by dimension; of lists what they get and lose."""
    return {
        (kind, key): {name: entry_change(value) if name in _lists(kind) else value for name, value in values.items()}
        for kind, key, values in _states(after)
    }


def shown(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    """The difference: `from` and `to` of each value, without `from` for whoever may not read what is there."""
    found: dict[str, Any] = {}
    for kind, key, values in _states(after):
        plural = SPECS[kind].plural
        was = {} if before is None else before[plural][key]
        found.setdefault(plural, {})[key] = {
            name: value
            if name in _lists(kind)
            else {**({"from": was[name]} if before is not None else {}), "to": value}
            for name, value in values.items()
        }
    return found


def _states(content: Mapping[str, Any]) -> Iterator[tuple[Kind, str, Mapping[str, Any]]]:
    for kind, spec in SPECS.items():
        for key, values in content.get(spec.plural, {}).items():
            yield kind, key, values


def _lists(kind: Kind) -> set[str]:
    return {one.name for one in SPECS[kind].dimensions if one.entries}
