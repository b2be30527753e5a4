"""Flags, configs and segments ready to evaluate, as they are when they have been asked for often, too."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.engine.compiler import (
    Decide,
    Predicate,
    compile_primitive,
    compile_segment_rules,
    outcomes_of,
    steps_of,
)
from app.engine.paths import Context
from app.engine.source import MAX_RULES, MAX_STEPS, decide_by_source
from app.engine.states import PrimitiveState, SegmentState

if TYPE_CHECKING:
    from app.engine.snapshot import EvaluationCall

OFTEN = 50
"""From so many evaluations on, it pays to generate source."""


class CompiledPrimitive:
    """A flag or config. `decide` chooses one of its outcomes, in at most so many steps of its own; until it has been
    asked for often it is None, and what `prepared` gives decides.
    """

    __slots__ = ("_asked", "_closures", "decide", "outcomes", "state", "steps")

    def __init__(self, state: PrimitiveState) -> None:
        self.state = state
        self.steps = steps_of(state.rules)
        self.outcomes = outcomes_of(state)
        self.decide: Decide | None = None
        self._closures: Decide | None = None
        self._asked = 0

    @property
    def fits(self) -> bool:
        """Whether source can be made of it."""
        return self.steps <= MAX_STEPS and len(self.state.rules) <= MAX_RULES

    def prepared(self, call: "EvaluationCall") -> Decide:
        """Closures, or source, which takes their place. Raises TooLong."""
        self._asked += 1
        if self._asked > OFTEN and self.fits and call.may_generate():
            self._closures, self.decide = None, decide_by_source(self)
            return self.decide
        decide = self._closures
        if decide is None:
            call.compiles(self.steps)
            decide = self._closures = compile_primitive(self.state, self.outcomes)
        return decide

    def forget_closures(self) -> None:
        """They take memory, and are made again if they are asked for."""
        self._closures = None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSegment:
    """A segment: `rules` has the index and the predicate of each rule that is not disabled."""

    state: SegmentState
    rules: tuple[tuple[int, Predicate], ...]
    steps: int

    @classmethod
    def of(cls, state: SegmentState) -> "CompiledSegment":
        """The state, compiled."""
        return cls(state, compile_segment_rules(state.key, state.rules), steps_of(state.rules))

    def deciding_rule(self, context: Context, call: "EvaluationCall") -> int | None:
        """The index of the first rule that includes the context."""
        for index, admits in self.rules:
            if admits(context, call):
                return index
        return None

    def has(self, context: Context, call: "EvaluationCall") -> bool:
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
