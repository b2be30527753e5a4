"""What a caller does with a ruleset's difference."""

from typing import Any

JSON = dict[str, Any]
KINDS = ("flags", "configs", "segments")


def applied(ruleset: JSON, difference: JSON) -> JSON:
    """The caller's ruleset with what has changed since, or the new one if it came whole."""
    if "since" not in difference:
        return difference
    assert difference["since"] == ruleset["version"]
    kept = {
        kind: {key: state for key, state in ruleset[kind].items() if key not in difference["removed"][kind]}
        for kind in KINDS
    }
    changed = {kind: kept[kind] | difference[kind] for kind in KINDS}
    return {name: difference[name] for name in ("environmentId", "version", "targetIdField")} | changed
