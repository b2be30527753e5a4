"""The operators: the operands that each accepts, and the values for which it is then true.

A value comes from a context or a prerequisite, or is MISSING, for which only `$exists: false`, `$notEquals` and
`$notIn` are true. Where values are found and how comparisons are combined is not known here.
"""

import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from sys import intern
from typing import Any, Final, NamedTuple, cast

from app.engine.cidrs import Networks, parse_address, parse_network
from app.engine.faults import FaultPath
from app.engine.instants import instant
from app.engine.json_values import MISSING, NUMBERS, freeze, freeze_members
from app.engine.patterns import MAX_PATTERN, PatternError, Programs
from app.engine.semver import precedence
from app.engine.work import LONG_TEXT, Work

MAX_ENTRIES = 10_000
SMALL = 16  # entries of a list

Plain = Callable[[Any], bool]
"""Whether it is true for a value; takes no longer than reading the operand."""


class Working(NamedTuple):
    """The same for values that take longer: what is prepared of them is kept in the evaluation's work."""

    holds: Callable[[Any, Work], bool]


_Prepare = Callable[[Any, FaultPath, Programs], Plain | Working | None]
_Order = Callable[[Any, Any], bool]
_Rank = Callable[[str], Any]
_Frozen = frozenset[Hashable]
_Freeze = Callable[[Any], Hashable]
_FreezeMembers = Callable[[Sequence[Any]], _Frozen]

_TEXT = frozenset({str})


class Check:
    """An operator with its operand.

    Most checks become part of generated source. So what a small operand comes to is made again when it is needed: kept,
    it would take more memory than all else of a rule.
    """

    __slots__ = ("_prepared", "ignore_case", "operand", "operator")

    def __init__(self, name: str, operand: Any, ignore_case: bool, prepared: Plain | Working) -> None:
        is_small = not isinstance(operand, list) or len(operand) <= SMALL
        self.operator: Final = intern(name)
        self.operand: Final = operand
        self.ignore_case: Final = ignore_case
        self._prepared = None if is_small and not isinstance(prepared, Working) else prepared

    def prepared(self) -> Plain | Working:
        """What tells whether it is true for a value."""
        of = OPERATORS[self.operator]
        prepare = of.ignoring_case if self.ignore_case and of.ignoring_case is not None else of.prepare
        found = self._prepared or prepare(self.operand, FaultPath({}, ""), Programs())
        assert found is not None, self.operand  # noqa: S101 - it was accepted before
        return found

    def holds(self, value: Any, work: Work) -> bool:
        """Whether it is true for the value."""
        found = self.prepared()
        return found.holds(value, work) if isinstance(found, Working) else found(value)


def parse_check(
    name: str, operand: Any, where: FaultPath, programs: Programs, *, ignore_case: bool = False
) -> Check | None:
    """Operator `name` with `operand`; None, with a fault, if the operator does not accept it."""
    of = OPERATORS[name]
    prepare = of.ignoring_case if ignore_case and of.ignoring_case is not None else of.prepare
    found = prepare(operand, where, programs)
    return None if found is None else Check(name, operand, ignore_case, found)


def _equals(operand: Any, *_: object) -> Plain | Working:
    if isinstance(operand, str):
        return partial(operator.eq, operand)
    if operand is None or isinstance(operand, bool):
        return partial(operator.is_, operand)
    if not isinstance(operand, list | dict):
        return lambda value: type(value) in NUMBERS and value == operand
    frozen, kind = freeze(operand), type(operand)
    return Working(lambda value, work: isinstance(value, kind) and work.once(freeze, value) == frozen)


def _in(operand: Any, where: FaultPath, _: object) -> Plain | Working | None:
    members = _members_of(operand, where)
    if members is None:
        return None
    if set(map(type, operand)) <= _TEXT:
        return lambda value: type(value) is str and value in members

    def holds(value: Any, work: Work) -> bool:
        if type(value) is str:
            return value in members
        return (work.once(freeze, value) if isinstance(value, list | dict) else freeze(value)) in members

    return Working(holds)


def _negation(prepare: _Prepare) -> _Prepare:
    def negated(operand: Any, where: FaultPath, programs: Programs) -> Plain | Working | None:
        found = prepare(operand, where, programs)
        if isinstance(found, Working):
            return Working(lambda value, work: not found.holds(value, work))
        return None if found is None else lambda value: not found(value)

    return negated


def _ordered(order: _Order) -> _Prepare:
    def ordered(operand: Any, where: FaultPath, _: object) -> Plain | None:
        if type(operand) not in NUMBERS | _TEXT:
            where.add("Must be a number or a string.")
            return None
        types = NUMBERS if type(operand) in NUMBERS else _TEXT
        return lambda value: type(value) in types and order(value, operand)

    return ordered


def _text(order: _Order) -> _Prepare:
    def text(operand: Any, where: FaultPath, _: object) -> Plain | None:
        if not _is_text(operand, where):
            return None
        return lambda value: isinstance(value, str) and order(value, operand)

    return text


def _contains(operand: Any, *_: object) -> Working:
    frozen = freeze(operand)

    def holds(value: Any, work: Work) -> bool:
        if isinstance(value, str):
            if len(value) > LONG_TEXT:
                work.read(value)
            return isinstance(operand, str) and operand in value
        return isinstance(value, list) and frozen in work.members(value, freeze_members)

    return Working(holds)


def _equals_ignoring_case(operand: Any, *given: Any) -> Plain | Working | None:
    if not isinstance(operand, str | list):
        return _equals(operand, *given)
    fold_one: _Freeze = fold if isinstance(operand, str) else _fold_texts_in
    folded, kind = fold_one(operand), type(operand)
    return Working(lambda value, work: isinstance(value, kind) and work.once(fold_one, value) == folded)


def _in_ignoring_case(operand: Any, where: FaultPath, _: object) -> Working | None:
    if _members_of(operand, where) is None:
        return None
    members = fold_members(operand)
    return Working(lambda value, work: work.once(fold, value) in members)


def _text_ignoring_case(order: _Order) -> _Prepare:
    def text(operand: Any, where: FaultPath, _: object) -> Working | None:
        if not _is_text(operand, where):
            return None
        folded = operand.lower()
        return Working(lambda value, work: isinstance(value, str) and order(work.once(fold, value), folded))

    return text


def _contains_ignoring_case(operand: Any, *_: object) -> Working:
    folded = fold(operand)

    def holds(value: Any, work: Work) -> bool:
        if isinstance(value, str):
            work.read(value)
            return isinstance(folded, str) and folded in cast("str", work.once(fold, value))
        return isinstance(value, list) and folded in work.members(value, fold_members)

    return Working(holds)


def _contains_any(freeze_one: _Freeze, freeze_all: _FreezeMembers) -> _Prepare:
    return _of_listed(freeze_one, freeze_all, lambda held, listed: not listed.isdisjoint(held))


def _contains_all(freeze_one: _Freeze, freeze_all: _FreezeMembers) -> _Prepare:
    return _of_listed(freeze_one, freeze_all, lambda held, listed: listed <= held)


def _of_listed(
    freeze_one: _Freeze, freeze_all: _FreezeMembers, compare: Callable[[_Frozen, _Frozen], bool]
) -> _Prepare:
    """What an array holds of those that the operand lists. Another value counts as an array of one."""

    def of_listed(operand: Any, where: FaultPath, _: object) -> Working | None:
        if _members_of(operand, where) is None:
            return None
        listed = freeze_all(operand)

        def holds(value: Any, work: Work) -> bool:
            if value is MISSING:
                return False
            if isinstance(value, list):
                return compare(work.members(value, freeze_all), listed)
            return compare(frozenset((work.once(freeze_one, value),)), listed)

        return Working(holds)

    return of_listed


def fold(value: Any) -> Hashable:
    """`freeze(value)`, a text in lower case: Unicode's default mapping, as JavaScript's `toLowerCase`."""
    return value.lower() if isinstance(value, str) else freeze(value)


def fold_members(array: Sequence[Any]) -> _Frozen:
    """The frozen members, texts among them in lower case."""
    return frozenset(map(fold, array))


def _fold_texts_in(array: list[Any]) -> Hashable:
    return freeze([member.lower() if isinstance(member, str) else member for member in array])


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


def _exists(operand: Any, where: FaultPath, _: object) -> Plain | None:
    if not isinstance(operand, bool):
        where.add("Must be true or false.")
        return None
    return partial(operator.is_not if operand else operator.is_, MISSING)


def _ranked(rank: _Rank, order: _Order, expected: str) -> _Prepare:
    """Texts with an order, such as versions. Another text is a fault as an operand, and false as a value."""

    def ranked(operand: Any, where: FaultPath, _: object) -> Working | None:
        bound = rank(operand) if isinstance(operand, str) else None
        if bound is None:
            where.add(f"Must be {expected}.")
            return None

        def holds(value: Any, work: Work) -> bool:
            found = work.once(rank, value) if isinstance(value, str) else None
            return found is not None and order(found, bound)

        return Working(holds)

    return ranked


def _in_cidr(operand: Any, where: FaultPath, _: object) -> Working | None:
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


def _members_of(operand: Any, where: FaultPath) -> _Frozen | None:
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


class Operator(NamedTuple):
    """How an operator reads its operand, and how it does so beside `ignoreCase`, where that may stand."""

    prepare: _Prepare
    ignoring_case: _Prepare | None = None


OPERATORS: Mapping[str, Operator] = {
    "$equals": Operator(_equals, _equals_ignoring_case),
    "$notEquals": Operator(_negation(_equals), _negation(_equals_ignoring_case)),
    "$in": Operator(_in, _in_ignoring_case),
    "$notIn": Operator(_negation(_in), _negation(_in_ignoring_case)),
    "$gt": Operator(_ordered(operator.gt)),
    "$gte": Operator(_ordered(operator.ge)),
    "$lt": Operator(_ordered(operator.lt)),
    "$lte": Operator(_ordered(operator.le)),
    "$startsWith": Operator(_text(str.startswith), _text_ignoring_case(str.startswith)),
    "$endsWith": Operator(_text(str.endswith), _text_ignoring_case(str.endswith)),
    "$contains": Operator(_contains, _contains_ignoring_case),
    "$containsAny": Operator(_contains_any(freeze, freeze_members), _contains_any(fold, fold_members)),
    "$containsAll": Operator(_contains_all(freeze, freeze_members), _contains_all(fold, fold_members)),
    MATCHES: Operator(_matches),
    "$exists": Operator(_exists),
    "$semverGt": Operator(_ranked(precedence, operator.gt, _VERSION)),
    "$semverGte": Operator(_ranked(precedence, operator.ge, _VERSION)),
    "$semverLt": Operator(_ranked(precedence, operator.lt, _VERSION)),
    "$semverLte": Operator(_ranked(precedence, operator.le, _VERSION)),
    "$semverEquals": Operator(_ranked(precedence, operator.eq, _VERSION)),
    "$before": Operator(_ranked(instant, operator.lt, _INSTANT)),
    "$after": Operator(_ranked(instant, operator.gt, _INSTANT)),
    "$inCidr": Operator(_in_cidr),
}
