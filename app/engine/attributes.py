"""The fields that rules name, and those that were seen in contexts, with what they hold: for who writes rules.

Of a field there are the types of JSON that it is compared with or was seen with, and a few short values of these.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from app.engine.conditions import Comparison, Condition, Junction, Negation
from app.engine.json_values import freeze
from app.engine.kinds import Kind
from app.engine.operators import Check
from app.engine.rules import Rule
from app.engine.ruleset import Ruleset
from app.engine.states import SegmentState
from app.engine.texts import MAX_NAME

MAX_ATTRIBUTES = 1_000
MAX_VALUES = 10
MAX_VALUE = 100  # characters of a text
MAX_NOTED = 1_000  # values of a field that are told apart
MAX_NAMES = 10_000  # that are counted
_LISTS = frozenset({"$in", "$notIn", "$containsAny", "$containsAll", "$inCidr"})
_OF_ARRAYS = frozenset({"$containsAny", "$containsAll"})
_OF_ANY_TYPE = frozenset({"$exists", "$contains"})  # an array has members, and a text has parts
_VALUES = frozenset({"$equals", "$notEquals", "$in", "$notIn", "$contains", *_OF_ARRAYS})


class Attribute(NamedTuple):
    """A field: how many flags, configs and segments name it, and how many of the contexts have it."""

    name: str
    types: Sequence[str]
    values: Sequence[Any]
    used: int
    sampled: int


class Attributes(NamedTuple):
    """Those that are used most come first. Where there are too many, the last are left out, and it is `truncated`."""

    version: int
    attributes: Sequence[Attribute]
    truncated: bool


class _Noted:
    """What is known of a field so far."""

    __slots__ = ("sampled", "seen", "types", "used")

    def __init__(self) -> None:
        self.used = 0
        self.sampled = 0
        self.types = set[str]()
        self.seen: dict[Hashable, list[Any]] = {}  # each value, how often in rules, how often in contexts

    def note(self, value: Any, *, in_rules: bool) -> None:
        """A value that it is compared with, or has in a context."""
        if (type(value) is str and len(value) > MAX_VALUE) or value is None or isinstance(value, list | dict):
            return
        known = self.seen.get(frozen := freeze(value))
        if known is None:
            if len(self.seen) == MAX_NOTED:
                return
            known = self.seen[frozen] = [value, 0, 0]
        known[1 if in_rules else 2] += 1

    def values(self) -> list[Any]:
        """Those that rules name first, then those that were seen most often."""
        by_use = sorted(self.seen.values(), key=lambda one: (-one[1], -one[2]))
        return [value for value, *_ in by_use[:MAX_VALUES]]


def attributes_of(
    ruleset: Ruleset, contexts: Iterable[Mapping[str, Any]], sees: Callable[[Kind, str], bool] | None
) -> Attributes:
    """The fields of the rules that a reader sees, and of the contexts. The field that ids are taken from is one."""
    target_id_field, compiled = ruleset.target_id_field, ruleset.compiled
    noted = defaultdict(_Noted, {target_id_field: _Noted()})
    for state in (one.state for of in (compiled.primitives, compiled.segments) for one in of.values()):
        if sees is None or sees(Kind.SEGMENT if isinstance(state, SegmentState) else state.kind, state.key):
            has_lists = isinstance(state, SegmentState) and (state.allow_list or state.deny_list)
            named = {target_id_field} if has_lists else set()
            for rule in state.rules:
                named |= _note_rule(rule, target_id_field, noted)
            for name in named:
                noted[name].used += 1
    for context in contexts:
        for name, value in _fields_in(context):
            if name in noted or len(noted) < MAX_NAMES:
                found = noted[name]
                found.sampled += 1
                found.types.add(_type_of(value))
                for one in value if isinstance(value, list) else [value]:
                    found.note(one, in_rules=False)
    in_order = sorted(noted.items(), key=lambda item: (-item[1].used, -item[1].sampled, item[0]))
    shown = [
        Attribute(name, sorted(one.types), one.values(), one.used, one.sampled)
        for name, one in in_order[:MAX_ATTRIBUTES]
    ]
    return Attributes(ruleset.version, shown, len(in_order) > MAX_ATTRIBUTES)


def _note_rule(rule: Rule, target_id_field: str, noted: dict[str, _Noted]) -> set[str]:
    """Notes what the rule compares fields with, and gives the fields that it names."""
    named = set[str]()
    if rule.rollout is not None or rule.split:
        named.add(target_id_field if rule.bucket_by is None else rule.bucket_by.text)
    for comparison in () if rule.condition is None else _comparisons(rule.condition):
        named.add(comparison.field.text)
        _note_operand(comparison.check, noted[comparison.field.text])
    return named


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    match condition:
        case Comparison():
            yield condition
        case Junction(_, children):
            for child in children:
                yield from _comparisons(child)
        case Negation(child):
            yield from _comparisons(child)


def _note_operand(check: Check, noted: _Noted) -> None:
    """A field that is compared with parts of texts, with patterns or ranges holds other values than the operand."""
    operator, operand = check.operator, check.operand
    members = operand if operator in _LISTS else [operand]
    if operator in _OF_ARRAYS:
        noted.types.add("array")
    elif operator not in _OF_ANY_TYPE:
        noted.types.update(map(_type_of, members))
    if operator in _VALUES:
        for one in members:
            noted.note(one, in_rules=True)


def _fields_in(context: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """The paths that find something in the context, with what they find, but for objects that hold something."""
    for key, value in context.items():
        name = f"{within}{key}"
        if isinstance(value, dict) and value:
            yield from _fields_in(value, f"{name}.")
        elif len(name) <= MAX_NAME and "\0" not in name and "" not in name.split("."):
            yield name, value


def _type_of(value: Any) -> str:
    """The type of a value of JSON."""
    return _TYPES[type(value)]


_TYPES = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
_TYPES[type(None)] = "null"
