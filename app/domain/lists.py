"""What lists of flags, configs and segments can be sorted and narrowed by."""

from enum import StrEnum

import orjson

_NO_RULES = "[]"


class Sorting(StrEnum):
    """What a list is in the order of; a minus turns it round."""

    CREATED = "created"
    CREATED_DESC = "-created"
    KEY = "key"
    KEY_DESC = "-key"
    UPDATED = "updated"
    UPDATED_DESC = "-updated"

    @property
    def column(self) -> "Sorting":
        """The order without its direction."""
        return Sorting(self.removeprefix("-"))

    @property
    def descending(self) -> bool:
        return self.startswith("-")


class Standing(StrEnum):
    """What a state comes to, at a glance."""

    ON = "on"
    OFF = "off"
    KILLED = "killed"
    RULES = "rules"


_WITHOUT_RULES = {"true": Standing.ON, "false": Standing.OFF}


def standing_of(value_type: str | None, default_value: str | None, rules: str, *, killed: bool) -> Standing | None:
    """Of a state as it is stored; None for what has no rules and is not boolean."""
    if killed:
        return Standing.KILLED
    if _has_enabled(rules):
        return Standing.RULES
    return _WITHOUT_RULES.get(default_value or "") if value_type == "boolean" else None


def _has_enabled(rules: str) -> bool:
    """Whether one of the rules is tried. Nearly no rule is disabled, and to know that of their text costs little."""
    if '"disabled"' not in rules:
        return rules != _NO_RULES
    return not all(rule.get("disabled", False) for rule in orjson.loads(rules))
