"""The one table that says how flags, configs and segments differ: types of values, key spaces, dimensions, kill.

A dimension is what one change of a state can be about. Bodies, diffs, proposals and promotions name the same ones.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from app.engine import json_text
from app.engine.faults import Faults
from app.engine.json_values import NUMBERS
from app.engine.rules import CheckValue, Rule, parse_rules, parse_segment_rules
from app.engine.target_ids import parse_target_ids

MAX_VALUE_BYTES = 64 * 1024


class Kind(StrEnum):
    """What a primitive is."""

    FLAG = "flag"
    CONFIG = "config"
    SEGMENT = "segment"


class KeyRef(NamedTuple):
    """A primitive by its key."""

    kind: Kind
    key: str


class FlagType(StrEnum):
    """What a flag's values are."""

    BOOLEAN = "boolean"
    STRING = "string"


class ConfigType(StrEnum):
    """What a config's values are."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    JSON = "json"


class Dimension(NamedTuple):
    """`name` is what bodies call it, `field` the same as a name in Python, of commands and of a state's column.

    `check` adds what is wrong with a decoded value at a path to the faults, and gives it parsed. A state holds a value
    as JSON text; of a dimension with `entries` each is a row of its own, and the state has only their number.
    """

    name: str
    field: str
    check: Callable[[Any, str, Faults, CheckValue], Any]
    entries: bool = False

    @property
    def size_field(self) -> str:
        """The column of a state with the number of entries."""
        return f"{self.field}_size"


class Spec(NamedTuple):
    """How one kind differs. Keys are unique in a `space` of a project; `types` is None where there are no values.

    Values of the `schema_type` can have a JSON Schema to match.
    """

    kind: Kind
    plural: str
    space: str
    types: type[StrEnum] | None
    dimensions: tuple[Dimension, ...]
    can_be_killed: bool = False
    schema_type: StrEnum | None = None

    def check(
        self,
        body: Mapping[str, Any],
        value_type: str | None,
        faults: Faults,
        values: list[tuple[str, Any]],
        at: str = "",
    ) -> tuple[Rule, ...]:
        """Adds to `faults` what is wrong with the dimensions that the body has, and gives its rules.

        Without a type, any value is accepted. All values are added to `values` with their paths, which begin with `at`.
        """

        def check_value(value: Any, path: str, found: Faults) -> None:
            if value_type is not None:
                check_typed_value(self.kind, value_type, value, path, found)
            values.append((path, value))

        parsed: tuple[Rule, ...] = ()
        for dimension in self.dimensions:
            if dimension.name in body:
                found = dimension.check(body[dimension.name], at + dimension.name, faults, check_value)
                parsed = found if dimension.name == "rules" else parsed
        return parsed


def check_typed_value(kind: Kind, value_type: str, value: Any, path: str, faults: Faults) -> None:
    """Adds to `faults`, under `path`, what is wrong with `value` as a value of the primitive's type."""
    expected = _PYTHON_TYPES[value_type]
    if expected is not None and type(value) not in expected:
        faults.setdefault(path, f"Must be a {value_type} (the {kind}'s type).")
    elif len(json_text.encode(value).encode()) > MAX_VALUE_BYTES:
        faults.setdefault(path, f"Must be at most {MAX_VALUE_BYTES // 1024} KiB of JSON.")


_PYTHON_TYPES: dict[str, frozenset[type] | None] = {
    "boolean": frozenset({bool}),
    "string": frozenset({str}),
    "number": NUMBERS,
    "json": None,
}


def killed_value(value_type: str | None, default_value: Any) -> Any:
    """What everybody gets of a killed flag."""
    return False if value_type == FlagType.BOOLEAN else default_value


DEFAULT_VALUE = Dimension(
    "defaultValue", "default_value", lambda value, path, faults, check_value: check_value(value, path, faults)
)
RULES = Dimension("rules", "rules", parse_rules)
SEGMENT_RULES = Dimension("rules", "rules", lambda rules, path, faults, _: parse_segment_rules(rules, path, faults))


ALLOW_LIST, DENY_LIST = (
    Dimension(name, field, lambda ids, path, faults, _: parse_target_ids(ids, path, faults), entries=True)
    for name, field in (("allowList", "allow_list"), ("denyList", "deny_list"))
)

KILLED = "killed"
"""What a kill changes of a state, and a restore. It is no dimension: nothing else changes it."""

FLAG = Spec(Kind.FLAG, "flags", "value", FlagType, (DEFAULT_VALUE, RULES), can_be_killed=True)
CONFIG = Spec(Kind.CONFIG, "configs", "value", ConfigType, (DEFAULT_VALUE, RULES), schema_type=ConfigType.JSON)
SEGMENT = Spec(Kind.SEGMENT, "segments", "segment", None, (SEGMENT_RULES, ALLOW_LIST, DENY_LIST))
SPECS: dict[Kind, Spec] = {spec.kind: spec for spec in (FLAG, CONFIG, SEGMENT)}
