"""The operators: the operands that each accepts, and the values for which it is then true.

A value comes from a context or a prerequisite, or is MISSING, for which only `$exists: false`, `$notEquals` and
`$notIn` are true. Where values are found and how comparisons are combined is not known here.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from sys import intern
from typing import Any

from app.engine.cidrs import Networks, parse_address, parse_network
from app.engine.faults import FaultPath
from app.engine.instants import instant
from app.engine.json_values import MISSING, NUMBERS, freeze
from app.engine.patterns import MAX_PATTERN, PatternError, whole_match
from app.engine.semver import precedence

MAX_ENTRIES = 10_000

Holds = Callable[[Any], bool]
_Prepare = Callable[[Any, FaultPath], Holds | None]
_Order = Callable[[Any, Any], bool]
_Rank = Callable[[str], Any]

_TEXT = frozenset({str})


@dataclass(frozen=True, slots=True)
class Check:
    """An operator with its operand; `holds` is its predicate over values."""

    operator: str
    operand: Any
    holds: Holds


def parse_check(name: str, operand: Any, where: FaultPath) -> Check | None:
    """Operator `name` with `operand`; None, with a fault, if the operator does not accept it."""
    holds = OPERATORS[name](operand, where)
    return None if holds is None else Check(intern(name), operand, holds)


def too_many(entries: Iterable[Any]) -> bool:
    """Whether a list exceeds the limit, duplicates not counted."""
    return len(set(map(freeze, entries))) > MAX_ENTRIES


def _equals(operand: Any, _: FaultPath) -> Holds:
    if isinstance(operand, str):
        return partial(operator.eq, operand)
    if operand is None or isinstance(operand, bool):
        return partial(operator.is_, operand)
    frozen = freeze(operand)
    return lambda value: freeze(value) == frozen


def _in(operand: Any, where: FaultPath) -> Holds | None:
    if not _is_list(operand, where):
        return None
    members = frozenset(map(freeze, operand))
    return lambda value: (value if type(value) is str else freeze(value)) in members


def _negation(prepare: _Prepare) -> _Prepare:
    def negated(operand: Any, where: FaultPath) -> Holds | None:
        holds = prepare(operand, where)
        return None if holds is None else lambda value: not holds(value)

    return negated


def _ordered(order: _Order) -> _Prepare:
    def ordered(operand: Any, where: FaultPath) -> Holds | None:
        if type(operand) not in NUMBERS | _TEXT:
            where.add("Must be a number or a string.")
            return None
        types = NUMBERS if type(operand) in NUMBERS else _TEXT
        return lambda value: type(value) in types and order(value, operand)

    return ordered


def _text(order: _Order) -> _Prepare:
    def text(operand: Any, where: FaultPath) -> Holds | None:
        if not _is_text(operand, where):
            return None
        return lambda value: isinstance(value, str) and order(value, operand)

    return text


def _contains(operand: Any, _: FaultPath) -> Holds:
    frozen = freeze(operand)

    def contains(value: Any) -> bool:
        if isinstance(value, str):
            return isinstance(operand, str) and operand in value
        return isinstance(value, list) and any(freeze(member) == frozen for member in value)

    return contains


def _matches(operand: Any, where: FaultPath) -> Holds | None:
    if not _is_text(operand, where):
        return None
    if len(operand) > MAX_PATTERN:
        where.add(f"Must have at most {MAX_PATTERN} characters.")
        return None
    try:
        matches = whole_match(operand)
    except PatternError as fault:
        where.add(f"Must be an RE2 pattern: {fault}.")
        return None
    return lambda value: isinstance(value, str) and matches(value)


def _exists(operand: Any, where: FaultPath) -> Holds | None:
    if not isinstance(operand, bool):
        where.add("Must be true or false.")
        return None
    return partial(operator.is_not if operand else operator.is_, MISSING)


def _ranked(rank: _Rank, order: _Order, expected: str) -> _Prepare:
    """Texts with an order, such as versions. Another text is a fault as an operand, and false as a value."""

    def ranked(operand: Any, where: FaultPath) -> Holds | None:
        bound = rank(operand) if isinstance(operand, str) else None
        if bound is None:
            where.add(f"Must be {expected}.")
            return None

        def holds(value: Any) -> bool:
            found = rank(value) if isinstance(value, str) else None
            return found is not None and order(found, bound)

        return holds

    return ranked


def _in_cidr(operand: Any, where: FaultPath) -> Holds | None:
    if not _is_list(operand, where):
        return None
    found = [parse_network(entry) if isinstance(entry, str) else None for entry in operand]
    for index, network in enumerate(found):
        if network is None:
            where.at(index).add("Must be an IPv4 or IPv6 network in CIDR notation, such as 10.0.0.0/8.")
    if None in found:
        return None
    networks = Networks(network for network in found if network is not None)

    def holds(value: Any) -> bool:
        address = parse_address(value) if isinstance(value, str) else None
        return address is not None and address in networks

    return holds


def _is_list(operand: Any, where: FaultPath) -> bool:
    if not isinstance(operand, list):
        where.add("Must be a list.")
    elif too_many(operand):
        where.add(f"Must have at most {MAX_ENTRIES} entries.")
    else:
        return True
    return False


def _is_text(operand: Any, where: FaultPath) -> bool:
    if isinstance(operand, str):
        return True
    where.add("Must be a string.")
    return False


_VERSION = "a version of Semantic Versioning 2.0, such as 1.2.3"
_INSTANT = "an RFC 3339 instant with an offset, such as 2024-05-01T12:00:00Z"

OPERATORS: Mapping[str, _Prepare] = {
    "$equals": _equals,
    "$notEquals": _negation(_equals),
    "$in": _in,
    "$notIn": _negation(_in),
    "$gt": _ordered(operator.gt),
    "$gte": _ordered(operator.ge),
    "$lt": _ordered(operator.lt),
    "$lte": _ordered(operator.le),
    "$startsWith": _text(str.startswith),
    "$endsWith": _text(str.endswith),
    "$contains": _contains,
    "$matches": _matches,
    "$exists": _exists,
    "$semverGt": _ranked(precedence, operator.gt, _VERSION),
    "$semverGte": _ranked(precedence, operator.ge, _VERSION),
    "$semverLt": _ranked(precedence, operator.lt, _VERSION),
    "$semverLte": _ranked(precedence, operator.le, _VERSION),
    "$semverEquals": _ranked(precedence, operator.eq, _VERSION),
    "$before": _ranked(instant, operator.lt, _INSTANT),
    "$after": _ranked(instant, operator.gt, _INSTANT),
    "$inCidr": _in_cidr,
}
