"""Conditions: the values of `if`, parsed with every fault at its path.

A condition is immutable. It knows its checks, but neither contexts nor what its references resolve to.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.engine.faults import FaultPath
from app.engine.json_text import encode
from app.engine.operators import OPERATORS, Check, parse_check
from app.engine.other_names import IN_CONDITIONS
from app.engine.paths import FieldPath, parse_path
from app.engine.patterns import Programs
from app.engine.suggestions import MAX_COMPARED, MAX_EXPLAINED, likeliest, unknown

IGNORE_CASE = "ignoreCase"
MAX_NESTING = 10
"""The deepest nesting of `$and`, `$or` and `$not`."""
MAX_SHARED_TEXT = 100
MAX_SHARED = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """`{"field": path, operator: operand}`. Equal ones of all flags are one object, unless these are too many."""

    field: FieldPath
    check: Check


@dataclass(frozen=True, slots=True)
class SegmentReference:
    key: str


@dataclass(frozen=True, slots=True)
class Prerequisite:
    key: str
    check: Check


@dataclass(frozen=True, slots=True)
class Junction:
    """`{"$and": […]}` or `{"$or": […]}`."""

    operator: str
    children: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    child: "Condition"


Condition = Comparison | SegmentReference | Prerequisite | Junction | Negation


def conditions_in(document: Any) -> Iterator[Any]:
    """A condition and all within it, as decoded JSON that may be anything."""
    ahead = [document]
    while ahead:
        condition = ahead.pop()
        yield condition
        if isinstance(condition, dict):
            for form in ("$and", "$or"):
                if isinstance(children := condition.get(form), list):
                    ahead.extend(children)
            if "$not" in condition:
                ahead.append(condition["$not"])


class ConditionParser:
    """Parses the conditions of one state. `nesting` counts the `$and`, `$or` and `$not` around a condition."""

    def __init__(self, programs: Programs, *, in_segment: bool, stored: bool = False) -> None:
        self._programs = programs
        self._stored = stored
        self._in_segment = in_segment

    def parse(self, document: Any, where: FaultPath) -> Condition | None:
        """`document` (decoded JSON) as a condition; None, with faults, if it is not valid."""
        return self._condition(document, where, 0)

    def _condition(self, document: Any, where: FaultPath, nesting: int) -> Condition | None:
        if not isinstance(document, dict):
            where.add("Must be an object.")
            return None
        for form in ("$and", "$or", "$not"):
            if form in document:
                _refuse_beside(form, document, where)
                return self._joined(form, document[form], where.at(form), nesting)
        if "$segment" in document:
            _refuse_beside("$segment", document, where)
            key = _parse_key(document["$segment"], where.at("$segment"))
            return None if key is None else SegmentReference(key)
        if "$flag" in document:
            return self._prerequisite(document, where)
        return self._comparison(document, where)

    def _joined(self, form: str, operand: Any, where: FaultPath, nesting: int) -> Condition | None:
        if nesting == MAX_NESTING:
            where.add(f"$and, $or and $not must not be nested more than {MAX_NESTING} levels deep.")
            return None
        if form == "$not":
            child = self._condition(operand, where, nesting + 1)
            return None if child is None else Negation(child)
        if not isinstance(operand, list):
            where.add("Must be a list.")
            return None
        children = [self._condition(child, where.at(i), nesting + 1) for i, child in enumerate(operand)]
        sound = tuple(child for child in children if child is not None)
        return Junction(form, sound) if len(sound) == len(children) else None

    def _prerequisite(self, document: dict[str, Any], where: FaultPath) -> Prerequisite | None:
        if self._in_segment:
            where.at("$flag").add("A segment cannot refer to flags or configs.")
        key = _parse_key(document["$flag"], where.at("$flag"))
        check = self._only_check("$flag", document, where)
        return None if self._in_segment or key is None or check is None else Prerequisite(key, check)

    def _comparison(self, document: dict[str, Any], where: FaultPath) -> Comparison | None:
        if not document:
            where.add("Must not be empty.")
            return None
        if "field" in document:
            field = parse_path(document["field"], where.at("field"), stored=self._stored)
        else:
            field = None
            if any(name in OPERATORS for name in document):
                where.at("field").add("Is required.")
        check = self._only_check("field", document, where)
        return None if field is None or check is None else _shared(field, check)

    def _only_check(self, form: str, document: dict[str, Any], where: FaultPath) -> Check | None:
        """The check of the operator that goes with `form`. Of several operators, all but the first are faults."""
        name = next((name for name in document if name in OPERATORS), None)
        sound = _refuse_beside(form, document, where, name, IGNORE_CASE)
        if name is None:
            if sound:
                where.add("An operator is required.")
            return None
        ignore_case = document.get(IGNORE_CASE, False)
        if not isinstance(ignore_case, bool):
            where.at(IGNORE_CASE).add("Must be true or false.")
        elif ignore_case and OPERATORS[name].ignoring_case is None:
            where.at(IGNORE_CASE).add(f"Cannot be combined with {name}.")
        check = parse_check(name, document[name], where.at(name), self._programs, ignore_case=ignore_case is True)
        return check if isinstance(ignore_case, bool) else None


def _refuse_beside(form: str, document: dict[str, Any], where: FaultPath, *allowed: str | None) -> bool:
    others = [name for name in document if name != form and name not in allowed]
    for name in others:
        if name in OPERATORS or name in FORMS or name == IGNORE_CASE:
            beside = allowed[0] if allowed and allowed[0] else form
            where.at(name).add(f"Cannot be combined with {beside}.")
        else:
            where.at(name).add(_unknown(name, document, len(where.faults)))
    return not others


def _unknown(name: str, document: dict[str, Any], told: int) -> str:
    is_alone = len(document) == 1 and not name.startswith("$")
    if is_alone and told < MAX_EXPLAINED and likeliest(name, KNOWN, IN_CONDITIONS) is None:
        shown = json.dumps(name if len(name) <= MAX_COMPARED else "plan", ensure_ascii=False)
        return f'Unknown field. A condition compares a field by an operator: {{"field": {shown}, "$equals": "pro"}}.'
    return unknown(
        "operator" if "field" in document or name.startswith("$") else "field", name, KNOWN, told, IN_CONDITIONS
    )


def _parse_key(value: Any, where: FaultPath) -> str | None:
    if isinstance(value, str):
        return value
    where.add("Must be a string.")
    return None


def _shared(field: FieldPath, check: Check) -> Comparison:
    # By the operand's text: to Python 1, 1.0 and True are equal keys, and traces show what was written.
    text = encode(check.operand)
    if len(text) > MAX_SHARED_TEXT:
        return Comparison(field, check)
    identity = field.text, check.operator, check.ignore_case, text
    if (known := _shared_ones.get(identity)) is None:
        if len(_shared_ones) >= MAX_SHARED:
            _shared_ones.clear()
        known = _shared_ones[identity] = Comparison(field, check)
    return known


_shared_ones: dict[tuple[str, str, bool, str], Comparison] = {}


FORMS = ("field", "$flag", "$segment", "$and", "$or", "$not")
KNOWN = (*OPERATORS, IGNORE_CASE, *FORMS)
