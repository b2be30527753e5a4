"""A compiled ruleset: an immutable snapshot of one environment at one version, and the evaluations made with it.

Nothing is parsed or compiled here. A primitive finds its segments and prerequisites by key when it is evaluated, so
that a change of one does not affect the compiled others. References have been checked: no cycle, no long chain.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.engine.bucketing import id_text
from app.engine.evaluation import Evaluation
from app.engine.kinds import Kind
from app.engine.paths import Context, FieldPath
from app.engine.rules import Rule
from app.engine.work import MAX_COMPARISONS, TooLong, Work

Predicate = Callable[[Context, "Call"], bool]


@dataclass(frozen=True, slots=True)
class PrimitiveState:
    """The state of a flag or config (`kind`) in an environment. Only flags can be killed."""

    kind: Kind
    key: str
    type: str
    default_value: Any
    rules: tuple[Rule, ...]
    killed: bool = False


@dataclass(frozen=True, slots=True)
class SegmentState:
    """The state of a segment in an environment. The lists contain target ids."""

    key: str
    rules: tuple[Rule, ...]
    allow_list: frozenset[str]
    deny_list: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledPrimitive:
    """A flag or config ready to evaluate: `decide` returns its outcome, in at most so many steps of its own."""

    state: PrimitiveState
    decide: Callable[[Context, "Call"], Evaluation]
    steps: int


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSegment:
    """A segment ready to evaluate: `rules` has the index and the predicate of each rule that is not disabled."""

    state: SegmentState
    rules: tuple[tuple[int, Predicate], ...]
    steps: int

    def deciding_rule(self, context: Context, call: "Call") -> int | None:
        """The index of the first rule that includes the context."""
        for index, admits in self.rules:
            if admits(context, call):
                return index
        return None

    def has(self, context: Context, call: "Call") -> bool:
        """Whether the context is a member: (allow list or rules) and not deny list.

        A context without a target id is in no list.
        """
        target, state = call.target_id, self.state
        if target is not None:
            if target in state.deny_list:
                return False
            if target in state.allow_list:
                return True
        for _, admits in self.rules:  # noqa: SIM110 - as in the compiler
            if admits(context, call):
                return True
        return False


class Call(Work):
    """One evaluation of any number of keys for one context. Each primitive and segment is evaluated at most once:
    `outcomes` and `memberships` have what is known already."""

    __slots__ = ("memberships", "outcomes", "ruleset", "target_id")

    def __init__(
        self,
        ruleset: "CompiledRuleset",
        context: Context,
        steps: float = math.inf,
        comparisons: int = MAX_COMPARISONS,
    ) -> None:
        self.context = context
        self._known = {}
        self._comparisons_left = comparisons
        self._steps_left = steps
        self.ruleset = ruleset
        self.target_id = id_text(ruleset.target_id_path.look_up(context))
        self.outcomes: dict[str, Evaluation] = {}
        self.memberships: dict[str, bool] = {}

    def evaluate(self, key: str) -> Evaluation | None:
        """The outcome of flag or config `key`, or None if there is none. Raises TooLong, TooManyComparisons."""
        known = self.outcomes.get(key)
        if known is not None:
            return known
        primitive = self.ruleset.primitives.get(key)
        if primitive is None:
            return None
        self._steps_left -= primitive.steps
        if self._steps_left < 0:
            raise TooLong
        outcome = self.outcomes[key] = primitive.decide(self.context, self)
        return outcome

    def is_member(self, key: str) -> bool:
        """Whether the context is a member of segment `key`. A missing segment has no members."""
        known = self.memberships.get(key)
        if known is not None:
            return known
        segment = self.ruleset.segments.get(key)
        if segment is None:
            member = False
        else:
            self._steps_left -= segment.steps
            if self._steps_left < 0:
                raise TooLong
            member = segment.has(self.context, self)
        self.memberships[key] = member
        return member

    def evaluate_all(self) -> list[Evaluation]:
        """The outcomes of all flags and configs, in the order of the ruleset's `primitives`. Raises TooLong,
        TooManyComparisons.
        """
        evaluate: Callable[[str], Any] = self.evaluate
        return list(map(evaluate, self.ruleset.primitives))


@dataclass(frozen=True, slots=True, eq=False)
class CompiledRuleset:
    """All states of an environment at one version. Flags and configs share `primitives`, because they share keys.

    `steps` is how many the evaluation of all may take, but for long values in the context.
    """

    environment_id: str
    version: int
    target_id_path: FieldPath
    primitives: Mapping[str, CompiledPrimitive]
    segments: Mapping[str, CompiledSegment]
    steps: int = 0

    def call(self, context: Context, steps: float = math.inf) -> Call:
        return Call(self, context, steps)

    def with_changes(
        self,
        version: int,
        changed: Iterable[CompiledPrimitive | CompiledSegment] = (),
        removed_primitives: Collection[str] = (),
        removed_segments: Collection[str] = (),
        target_id_path: FieldPath | None = None,
    ) -> "CompiledRuleset":
        """The snapshot of a later version. What does not change, or is None, is shared with this one."""
        primitives, segments, steps = dict(self.primitives), dict(self.segments), self.steps
        gone: list[CompiledPrimitive | CompiledSegment | None]
        gone = [primitives.pop(key, None) for key in removed_primitives]
        gone += [segments.pop(key, None) for key in removed_segments]
        for compiled in changed:
            steps += compiled.steps
            if isinstance(compiled, CompiledSegment):
                gone.append(segments.get(compiled.state.key))
                segments[compiled.state.key] = compiled
            else:
                gone.append(primitives.get(compiled.state.key))
                primitives[compiled.state.key] = compiled
        steps -= sum(one.steps for one in gone if one is not None)
        path = target_id_path or self.target_id_path
        return replace(
            self, version=version, target_id_path=path, primitives=primitives, segments=segments, steps=steps
        )
