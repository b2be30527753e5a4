"""Compiles parsed rules into closures, which takes no longer than some evaluations.

What is evaluated often becomes generated source (`source`), which takes ten times as long to make. Why a rule matched
is not known here; that is `trace`'s subject.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from app.engine.bucketing import hash_limit, hash_of, id_text, rollout_prefix, split_prefix
from app.engine.conditions import Comparison, Condition, Junction, Negation, Prerequisite, SegmentReference
from app.engine.evaluation import DEFAULT, KILLED, Evaluation, rule_match
from app.engine.json_values import MISSING
from app.engine.kinds import killed_value
from app.engine.operators import Working
from app.engine.paths import Context, FieldPath
from app.engine.rules import Rule
from app.engine.states import PrimitiveState
from app.engine.work import LONG_TEXT

if TYPE_CHECKING:
    from app.engine.snapshot import EvaluationCall

Predicate = Callable[[Context, "EvaluationCall"], bool]
Decide = Callable[[Context, "EvaluationCall"], Evaluation]
Outcomes = tuple[Evaluation, ...]


def tried(rules: tuple[Rule, ...]) -> Iterator[tuple[int, Rule]]:
    """The rules that are not disabled, each with its index among all."""
    return ((index, rule) for index, rule in enumerate(rules) if not rule.disabled)


def steps_of(rules: tuple[Rule, ...]) -> int:
    """How many steps it takes at most to try them all."""
    return 1 + sum(rule.steps for _, rule in tried(rules))


def outcomes_of(state: PrimitiveState) -> Outcomes:
    """All that a flag or config can be: of each rule its value, or its split's entries, and last what it is otherwise.

    A killed boolean flag is `false`, a killed string flag its default value.
    """
    if state.killed:
        return (Evaluation(state, killed_value(state.type, state.default_value), KILLED),)
    found: list[Evaluation] = []
    for index, rule in tried(state.rules):
        if rule.split:
            found += [Evaluation(state, one.value, rule_match(index, rule.name, one.name)) for one in rule.split]
        else:
            found.append(Evaluation(state, rule.value, rule_match(index, rule.name)))
    return (*found, Evaluation(state, state.default_value, DEFAULT))


def with_first_outcomes(state: PrimitiveState) -> Iterator[tuple[Rule, int]]:
    """The rules that decide, each with the index of its first outcome among all."""
    first = 0
    for _, rule in () if state.killed else tried(state.rules):
        yield rule, first
        first += len(rule.split) or 1


def compile_primitive(state: PrimitiveState, outcomes: Outcomes) -> Decide:
    """What chooses the outcome of a flag or config for a context."""
    rules = tuple(
        (
            compile_admission(rule, state.key),
            outcomes[first],
            compile_split(rule, state.key, outcomes[first : first + len(rule.split)]) if rule.split else None,
        )
        for rule, first in with_first_outcomes(state)
    )
    otherwise = outcomes[-1]

    def decide(context: Context, call: "EvaluationCall") -> Evaluation:
        for admits, outcome, split in rules:
            if admits(context, call):
                return outcome if split is None else split(context, call)
        return otherwise

    return decide


def compile_segment_rules(key: str, rules: tuple[Rule, ...]) -> tuple[tuple[int, Predicate], ...]:
    """The index of each rule that is not disabled, and whether it includes the context."""
    return tuple((index, compile_admission(rule, key)) for index, rule in tried(rules))


def compile_admission(rule: Rule, key: str) -> Predicate:
    """Whether a rule's condition and percentage include the context; `key` is the seed of a rule without one."""
    parts: list[Predicate] = []
    if rule.condition is not None:
        parts.append(compile_condition(rule.condition))
    if rule.rollout is not None:
        parts.append(compile_rollout(rule.rollout, rollout_prefix(rule.seed_or(key)), rule.bucket_by))
    return parts[0] if len(parts) == 1 else _every(tuple(parts))


def compile_condition(condition: Condition) -> Predicate:
    """Whether the condition is true for the context."""
    match condition:
        case Comparison():
            return _comparison(condition)
        case Junction("$and", children):
            return _every(tuple(map(compile_condition, children)))
        case Junction(_, children):
            return _some(tuple(map(compile_condition, children)))
        case Negation(child):
            return _negation(compile_condition(child))
        case SegmentReference(key):
            return _membership(key)
        case Prerequisite():
            return _prerequisite(condition)


def compile_rollout(percent: int, prefix: str, bucket_by: FieldPath | None) -> Predicate:
    """Whether the percentage includes the context."""
    limit = hash_limit(percent)

    def admits(_: Context, call: "EvaluationCall") -> bool:
        target = call.target_id if bucket_by is None else id_text(call.find(bucket_by))
        if target is None:
            return False
        if len(target) > LONG_TEXT:
            call.read(target)
        return hash_of(prefix + target) < limit

    return admits


def compile_split(rule: Rule, key: str, outcomes: Outcomes) -> Decide:
    """What chooses among the outcomes of the split's entries."""
    limits = [hash_limit(percent) for percent in accumulate(share.percent for share in rule.split)]
    prefix, bucket_by = split_prefix(rule.seed_or(key)), rule.bucket_by
    of_missing_id = outcomes[bisect_right(limits, 0)]  # the first above 0 percent

    def split(_: Context, call: "EvaluationCall") -> Evaluation:
        target = call.target_id if bucket_by is None else id_text(call.find(bucket_by))
        if target is None:
            return of_missing_id
        if len(target) > LONG_TEXT:
            call.read(target)
        return outcomes[bisect_right(limits, hash_of(prefix + target))]

    return split


def _comparison(condition: Comparison) -> Predicate:
    check, name, is_nested = condition.check.prepared(), condition.field.text, len(condition.field.steps) > 1
    field = condition.field
    if isinstance(check, Working):
        holds = check.holds
        if is_nested:
            return lambda _, call: holds(call.find(field), call)
        return lambda context, call: holds(context.get(name, MISSING), call)
    if is_nested:
        return lambda _, call: check(call.find(field))
    return lambda context, _: check(context.get(name, MISSING))


def _every(children: tuple[Predicate, ...]) -> Predicate:
    def every(context: Context, call: "EvaluationCall") -> bool:
        for holds in children:  # noqa: SIM110 - all() with a generator takes three times as long
            if not holds(context, call):
                return False
        return True

    return every


def _some(children: tuple[Predicate, ...]) -> Predicate:
    def some(context: Context, call: "EvaluationCall") -> bool:
        for holds in children:  # noqa: SIM110 - as in _every
            if holds(context, call):
                return True
        return False

    return some


def _negation(child: Predicate) -> Predicate:
    return lambda context, call: not child(context, call)


def _membership(key: str) -> Predicate:
    def membership(_: Context, call: "EvaluationCall") -> bool:
        known = call.memberships.get(key)
        return call.is_member(key) if known is None else known

    return membership


def _prerequisite(condition: Prerequisite) -> Predicate:
    key, check = condition.key, condition.check.prepared()

    def prerequisite(_: Context, call: "EvaluationCall") -> bool:
        outcome = call.outcomes.get(key) or call.evaluate(key)
        value = MISSING if outcome is None else outcome.value
        return check.holds(value, call) if isinstance(check, Working) else check(value)

    return prerequisite
