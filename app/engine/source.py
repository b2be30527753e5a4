"""Generates source for what is evaluated often: a function of one flag or config, or of many asked for together.

In it a field is looked up once, plain conditions are expressions, and one that many flags of a function have is
evaluated once. All else calls what `compiler` makes. Of what people wrote, only literals are in the source.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, Final, cast

from mmh3 import mmh3_32_uintdigest

from app.engine.bucketing import hash_limit, rollout_prefix
from app.engine.compiler import Decide, Outcomes, compile_condition, compile_rollout, compile_split, with_first_outcomes
from app.engine.conditions import Comparison, Condition, Junction, Negation, Prerequisite, SegmentReference
from app.engine.evaluation import Evaluation
from app.engine.json_values import MISSING, NUMBERS
from app.engine.operators import Check, Working
from app.engine.paths import Context, FieldPath
from app.engine.rules import Rule

if TYPE_CHECKING:
    from app.engine.compiled import CompiledPrimitive
    from app.engine.snapshot import EvaluationCall

MAX_STEPS = 300
"""Rules with more conditions stay closures: while source is compiled, all other threads wait."""
MAX_RULES = 30
_MAX_TEXT = 200  # characters of a literal
_MAX_TEXTS = 50
_FEW_TEXTS = 4  # are compared one by one
_MANY = 3  # of the flags of a function have a condition, so that it pays to evaluate it for all

_ORDERS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_TEXT_METHODS = {"$startsWith": "startswith", "$endsWith": "endswith"}
_COUNTED = frozenset({"$contains", "$containsAny", "$containsAll", "$matches"})
"""What compares members of arrays, of which a call may do so many."""
_LITERALS = frozenset({str, int, float, bool, type(None)})

_GLOBALS: Final[dict[str, Any]] = {
    "__builtins__": {"str": str, "type": type},
    "MISSING": MISSING,
    "NUMBERS": NUMBERS,
    "NO_NUMBER": float("nan"),  # is neither less nor greater than any other
    "hash_of": mmh3_32_uintdigest,
}
_FILE: Final = "<rules>"

DecideAll = Callable[[Context, "EvaluationCall"], list[Evaluation]]


def decide_by_source(one: "CompiledPrimitive") -> Decide:
    """What chooses the outcome of a flag or config that fits."""
    writer, lines = _Writer(), list[str]()
    for rule, index in with_first_outcomes(one.state):
        admits, outcome = writer.rule(rule, one, index=index)
        lines += [*writer.taken(), f"if {admits}: return {outcome}"]
    return cast("Decide", _function([*lines, f"return outcomes[{len(one.outcomes) - 1}]"], one.outcomes, writer))


def decide_all_by_source(primitives: Collection["CompiledPrimitive"]) -> DecideAll:
    """What has the outcomes of many flags and configs for a context, in their order; those that do not fit are
    evaluated by the call, and so is nothing else of them.
    """
    writer = _Writer()
    for one in primitives:  # only to count what many have
        writer.one_of_many(one, offset=0)
    writer, lines, outcomes = _Writer(writer.conditions), list[str](), list[Evaluation]()
    for one in primitives:
        lines.append(f"{writer.one_of_many(one, offset=len(outcomes))},")
        outcomes += one.outcomes
    return cast("DecideAll", _function([*writer.taken(), "return [", *lines, "]"], tuple(outcomes), writer))


def _function(lines: list[str], outcomes: Outcomes, writer: "_Writer") -> FunctionType:
    head = "def decide(context, call, outcomes, values):"
    module = compile("\n ".join([head, "get = context.get", *lines]), _FILE, "exec")
    code = next(const for const in module.co_consts if isinstance(const, CodeType))
    return FunctionType(code, _GLOBALS, code.co_name, (outcomes, tuple(writer.values)))


class _Writer:
    """Writes the expressions of one function, and the statements before them. `values` are those that they refer to.

    `often` is how often the function has each plain condition.
    """

    def __init__(self, often: Mapping[str, int] | None = None) -> None:
        self.values: list[Any] = []
        self.conditions = Counter[str]()
        self._often = often or {}
        self._statements: list[str] = []
        self._names: dict[str, str] = {}  # of variables, by what they were set to
        self._places: dict[int, str] = {}

    def taken(self) -> list[str]:
        """The statements that were not taken yet."""
        statements, self._statements = self._statements, []
        return statements

    def one_of_many(self, one: "CompiledPrimitive", *, offset: int) -> str:
        """The outcome of one of many, whose outcomes begin at `offset` of those of all.

        Where it counts comparisons, it is what the call has evaluated already, so that they are counted once.
        """
        key, otherwise = one.state.key, f"outcomes[{offset + len(one.outcomes) - 1}]"
        if not one.fits:
            return f"call.evaluate({key!r})"
        rules = list(with_first_outcomes(one.state))
        found = otherwise
        for rule, index in reversed(rules):
            admits, outcome = self.rule(rule, one, index=index, offset=offset)
            found = f"{outcome} if {admits} else {found}"
        if not any(_counts(rule) for rule, _ in rules):
            return found
        known = self._variable("call.outcomes")
        return f"{known}.get({key!r}) or {known}.setdefault({key!r}, {found})"

    def rule(self, rule: Rule, of: "CompiledPrimitive", *, index: int, offset: int = 0) -> tuple[str, str]:
        """Whether a rule admits, and its outcome. `index` is that of its first among the outcomes of the primitive,
        which begin at `offset` of those of all.
        """
        parts = []
        if rule.condition is not None:
            parts.append(self._condition(rule.condition))
        if rule.rollout is not None:
            parts.append(self._rollout(rule.rollout, rollout_prefix(rule.seed_or(of.state.key)), rule.bucket_by))
        outcome = f"outcomes[{offset + index}]"
        if rule.split:
            split = compile_split(rule, of.state.key, of.outcomes[index : index + len(rule.split)])
            outcome = f"{self._value(split)}(context, call)"
        return " and ".join(parts) or "True", outcome

    def _condition(self, condition: Condition) -> str:
        match condition:
            case Comparison(field, check):
                return self._comparison(check, self._field(field))
            case Junction(operator, children):
                joint = " and " if operator == "$and" else " or "
                return f"({joint.join(map(self._condition, children)) or operator == '$and'})"
            case Negation(child):
                return f"(not {self._condition(child)})"
            case SegmentReference(key):
                known = self._variable("call.memberships")
                return f"({known}[{key!r}] if {key!r} in {known} else call.is_member({key!r}))"
            case Prerequisite():
                return f"{self._value(compile_condition(condition))}(context, call)"

    def _field(self, field: FieldPath) -> str:
        if len(field.steps) == 1:
            return self._variable(f"get({field.text!r}, MISSING)")
        return self._variable(f"call.find({self._value(field)})")

    def _comparison(self, check: Check, value: str) -> str:
        inline = None if check.ignore_case else self._inline(check.operator, check.operand, value)
        if inline is None:
            prepared = check.prepared()
            if isinstance(prepared, Working):
                inline = f"{self._value(prepared.holds, check)}({value}, call)"
            else:
                inline = f"{self._value(prepared, check)}({value})"
        if check.operator in _COUNTED:
            return inline
        self.conditions[inline] += 1
        return self._variable(inline) if self._often.get(inline, 0) >= _MANY else inline

    def _inline(self, operator: str, operand: Any, value: str) -> str | None:
        """The comparison as an expression, if it is one of the plainest."""
        found: str | None = None
        match operator:
            case "$exists":
                found = f"{value} is {'not ' if operand else ''}MISSING"
            case "$equals" | "$notEquals" if _is_literal(operand):
                found = _equals(operand, value)
            case "$in" | "$notIn":
                found = self._is_one_of(operand, value)
            case "$gt" | "$gte" | "$lt" | "$lte" if _is_literal(operand):
                if isinstance(operand, str):
                    found = f"({self._is_text(value)} and {value} {_ORDERS[operator]} {operand!r})"
                else:
                    number = self._variable(f"{value} if type({value}) in NUMBERS else NO_NUMBER")
                    found = f"{number} {_ORDERS[operator]} {operand!r}"
            case "$startsWith" | "$endsWith" if _is_literal(operand):
                found = f"({self._is_text(value)} and {value}.{_TEXT_METHODS[operator]}({operand!r}))"
        return f"(not {found})" if found and operator in {"$notEquals", "$notIn"} else found

    def _is_one_of(self, operand: list[Any], value: str) -> str | None:
        if len(operand) > _MAX_TEXTS or not all(type(entry) is str and _is_literal(entry) for entry in operand):
            return None
        if len(operand) <= _FEW_TEXTS:
            return f"({' or '.join(_equals(entry, value) for entry in operand) or False})"
        return f"({self._is_text(value)} and {value} in {{{', '.join(map(repr, operand))}}})"

    def _is_text(self, value: str) -> str:
        return self._variable(f"type({value}) is str")

    def _rollout(self, percent: int, prefix: str, bucket_by: FieldPath | None) -> str:
        if bucket_by is not None:
            return f"{self._value(compile_rollout(percent, prefix, bucket_by))}(context, call)"
        target, limit = self._variable("call.target_bytes"), hash_limit(percent)
        return (
            f"(hash_of({prefix.encode()!r} + {target}) < {limit} if {target} is not None"
            f" else call.admits({prefix!r}, {limit}))"
        )

    def _variable(self, expression: str) -> str:
        """The variable that is set to the expression before it is needed."""
        name = self._names.get(expression)
        if name is None:
            name = self._names[expression] = f"v{len(self._names)}"
            self._statements.append(f"{name} = {expression}")
        return name

    def _value(self, value: Any, of: object = None) -> str:
        """An expression for any value; the same for all that are `of` one object."""
        place = self._places.get(id(of))
        if of is None or place is None:
            self.values.append(value)
            place = self._places[id(of)] = f"values[{len(self.values) - 1}]"
        return place


def _equals(operand: Any, value: str) -> str:
    if operand is None or isinstance(operand, bool):
        return f"{value} is {operand}"
    if not isinstance(operand, str) and operand in {0, 1}:  # to Python, false and true are 0 and 1
        return f"({value} == {operand!r} and {value} is not {bool(operand)})"
    return f"{value} == {operand!r}"


def _is_literal(operand: Any) -> bool:
    return type(operand) in _LITERALS and not (type(operand) is str and len(operand) > _MAX_TEXT)


def _counts(rule: Rule) -> bool:
    """Whether trying the rule may count comparisons."""
    return rule.bucket_by is not None or (rule.condition is not None and _condition_counts(rule.condition))


def _condition_counts(condition: Condition) -> bool:
    match condition:
        case Comparison(_, check) | Prerequisite(_, check):
            return check.operator in _COUNTED
        case Junction(_, children):
            return any(map(_condition_counts, children))
        case Negation(child):
            return _condition_counts(child)
        case SegmentReference():
            return False
