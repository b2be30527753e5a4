"""The operators: the operands that each accepts, and the values for which it is then true.

A value comes from a context or a prerequisite, or is MISSING, for which only `$exists: false`, `$notEquals` and
`$notIn` are true. Where values are found and how comparisons are combined is not known here.
"""

import operator
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from sys import intern
from typing import Any, NamedTuple

from app.engine.cidrs import Networks, parse_address, parse_network
from app.engine.faults import FaultPath
from app.engine.instants import instant
from app.engine.json_values import MISSING, NUMBERS, freeze, freeze_members
from app.engine.patterns import MAX_PATTERN, PatternError, Programs
from app.engine.semver import precedence
from app.engine.work import LONG_TEXT, Work

MAX_ENTRIES = 10_000

Plain = Callable[[Any], bool]
"""Whether it is true for a value; takes no longer than reading the operand."""


class Working(NamedTuple):
    """The same for values that take longer: what is prepared of them is kept in the evaluation's work."""

    holds: Callable[[Any, Work], bool]


_Prepare = Callable[[Any, FaultPath], Plain | Working | None]
_Order = Callable[[Any, Any], bool]
_Rank = Callable[[str], Any]

_TEXT = frozenset({str})


@dataclass(frozen=True, slots=True)
class Check:
    """An operator with its operand. `holds` is its predicate over values, `plain` a faster one that most have."""

    operator: str
    operand: Any
    holds: Callable[[Any, Work], bool]
    plain: Plain | None = None


def parse_check(name: str, operand: Any, where: FaultPath, programs: Programs) -> Check | None:
    """Operator `name` with `operand`; None, with a fault, if the operator does not accept it."""
    found = _matches(operand, where, programs) if name == MATCHES else OPERATORS[name](operand, where)
    if found is None:
        return None
    if isinstance(found, Working):
        return Check(intern(name), operand, found.holds)
    return Check(intern(name), operand, lambda value, _: found(value), found)


def _equals(operand: Any, _: FaultPath) -> Plain | Working:
    if isinstance(operand, str):
        return partial(operator.eq, operand)
    if operand is None or isinstance(operand, bool):
        return partial(operator.is_, operand)
    if not isinstance(operand, list | dict):
        return lambda value: type(value) in NUMBERS and value == operand
    frozen, kind = freeze(operand), type(operand)
    return Working(lambda value, work: isinstance(value, kind) and work.once(freeze, value) == frozen)


def _in(operand: Any, where: FaultPath) -> Working | None:
    members = _members_of(operand, where)
    if members is None:
        return None

    def holds(value: Any, work: Work) -> bool:
        if type(value) is str:
            return value in members
        return (work.once(freeze, value) if isinstance(value, list | dict) else freeze(value)) in members

    return Working(holds)


def _negation(prepare: _Prepare) -> _Prepare:
    def negated(operand: Any, where: FaultPath) -> Plain | Working | None:
        found = prepare(operand, where)
        if isinstance(found, Working):
            return Working(lambda value, work: not found.holds(value, work))
        return None if found is None else lambda value: not found(value)

    return negated


def _ordered(order: _Order) -> _Prepare:
    def ordered(operand: Any, where: FaultPath) -> Plain | None:
        if type(operand) not in NUMBERS | _TEXT:
            where.add("Must be a number or a string.")
            return None
        types = NUMBERS if type(operand) in NUMBERS else _TEXT
        return lambda value: type(value) in types and order(value, operand)

    return ordered


def _text(order: _Order) -> _Prepare:
    def text(operand: Any, where: FaultPath) -> Plain | None:
        if not _is_text(operand, where):
            return None
        return lambda value: isinstance(value, str) and order(value, operand)

    return text


def _contains(operand: Any, _: FaultPath) -> Working:
    frozen = freeze(operand)

    def holds(value: Any, work: Work) -> bool:
        if isinstance(value, str):
            if len(value) > LONG_TEXT:
                work.read(value)
            return isinstance(operand, str) and operand in value
        return isinstance(value, list) and frozen in work.members(value, freeze_members)

    return Working(holds)


def _matches(operand: Any, where: FaultPath, programs: Programs) -> Working | None:
    if not _is_text(operand, where):
        return None
    if len(operand) > MAX_PATTERN:
        where.add(f"Must have at most {MAX_PATTERN} characters.")
        return None
    try:
        pattern = programs.compile(operand)
    except PatternError as fault:
        where.add(f"{fault}.")
        return None

    def holds(value: Any, work: Work) -> bool:
        if not isinstance(value, str):
            return False
        work.match(pattern.instructions, value)
        return pattern.matches(value)

    return Working(holds)


def _exists(operand: Any, where: FaultPath) -> Plain | None:
    if not isinstance(operand, bool):
        where.add("Must be true or false.")
        return None
    return partial(operator.is_not if operand else operator.is_, MISSING)


def _ranked(rank: _Rank, order: _Order, expected: str) -> _Prepare:
    """Texts with an order, such as versions. Another text is a fault as an operand, and false as a value."""

    def ranked(operand: Any, where: FaultPath) -> Working | None:
        bound = rank(operand) if isinstance(operand, str) else None
        if bound is None:
            where.add(f"Must be {expected}.")
            return None

        def holds(value: Any, work: Work) -> bool:
            found = work.once(rank, value) if isinstance(value, str) else None
            return found is not None and order(found, bound)

        return Working(holds)

    return ranked


def _in_cidr(operand: Any, where: FaultPath) -> Working | None:
    if _members_of(operand, where) is None:
        return None
    found = [parse_network(entry) if isinstance(entry, str) else None for entry in operand]
    for index, network in enumerate(found):
        if network is None:
            where.at(index).add("Must be an IPv4 or IPv6 network in CIDR notation, such as 10.0.0.0/8.")
    if None in found:
        return None
    networks = Networks(network for network in found if network is not None)

    def holds(value: Any, work: Work) -> bool:
        address = work.once(parse_address, value) if isinstance(value, str) else None
        return address is not None and address in networks

    return Working(holds)


def _members_of(operand: Any, where: FaultPath) -> frozenset[Hashable] | None:
    """The operand as a list; None, with a fault, if it is none, or has too many entries, duplicates not counted."""
    if not isinstance(operand, list):
        where.add("Must be a list.")
    elif len(members := freeze_members(operand)) > MAX_ENTRIES:
        where.add(f"Must have at most {MAX_ENTRIES} entries.")
    else:
        return members
    return None


def _is_text(operand: Any, where: FaultPath) -> bool:
    if isinstance(operand, str):
        return True
    where.add("Must be a string.")
    return False


_VERSION = "a version of Semantic Versioning 2.0, such as 1.2.3"
_INSTANT = "an RFC 3339 instant with an offset, such as 2024-05-01T12:00:00Z"

MATCHES = "$matches"

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
    MATCHES: lambda operand, where: _matches(operand, where, Programs()),
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
