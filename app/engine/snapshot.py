"""A compiled ruleset: an immutable snapshot of one environment at one version, and the evaluations made with it.

Nothing is parsed here, and what is evaluated is compiled when it is first asked for. A primitive finds its segments and
prerequisites by key when it is evaluated, so that a change of one does not affect the compiled others. References have
been checked: no cycle, no long chain.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from app.engine.batches import MANY, Batch, Later, at_once, batches_of, changed_batches
from app.engine.bucketing import hash_of, id_text
from app.engine.compiled import CompiledPrimitive, CompiledSegment
from app.engine.evaluation import Evaluation
from app.engine.paths import Context, FieldPath
from app.engine.work import LONG_TEXT, MAX_COMPARISONS, TooLong, Work

COMPILING = 15
"""Closures take so many times as many steps to make as to evaluate once."""


class EvaluationCall(Work):
    """One evaluation of any number of keys for one context. Each primitive and segment is evaluated at most once:
    `outcomes` and `memberships` have what is known already. To compile what is new it takes at most `may_compile`
    steps."""

    __slots__ = ("_has_generated", "_may_compile", "memberships", "outcomes", "ruleset", "target_bytes", "target_id")

    def __init__(
        self,
        ruleset: "CompiledRuleset",
        context: Context,
        steps: float = math.inf,
        comparisons: int = MAX_COMPARISONS,
        may_compile: float = math.inf,
    ) -> None:
        self.context = context
        self._known = {}
        self._has_generated = False
        self._may_compile = may_compile
        self._comparisons_left = comparisons
        self._steps_left = steps
        self.ruleset = ruleset
        self.outcomes: dict[str, Evaluation] = {}
        self.memberships: dict[str, bool] = {}
        target = context.get(ruleset.target_id_path.text)
        if type(target) is not str:
            target = id_text(ruleset.target_id_path.look_up(context))
        self.target_id: str | None = target
        self.target_bytes = None if target is None or len(target) > LONG_TEXT else target.encode()

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
        outcome = self.outcomes[key] = (primitive.decide or primitive.prepared(self))(self.context, self)
        return outcome

    def evaluate_all(self) -> list[Evaluation]:
        """The outcomes of all flags and configs, in the order of the ruleset's `primitives`. Raises TooLong,
        TooManyComparisons.
        """
        batches, found = self.ruleset.batches, list[Evaluation]()
        if sum([batch.steps for batch in batches if batch.is_new]) * COMPILING > self._may_compile:
            raise TooLong  # at once: many calls at one moment would each compile a part of it first
        for batch in batches:
            found += self.evaluate_batch(batch)
        return found

    def evaluate_batch(self, batch: Batch) -> list[Evaluation]:
        """The outcomes of some of the ruleset's flags and configs. Raises TooLong, TooManyComparisons."""
        if batch.decide is None:
            batch.asked(self.ruleset.later)
        evaluate = batch.decide
        if evaluate is None or (self.target_bytes is None and self.target_id is not None):
            found = [outcome for key in batch.primitives if (outcome := self.evaluate(key)) is not None]
            if len(self.ruleset.batches) > MANY:
                batch.forget_closures()
            return found
        self._steps_left -= batch.steps
        if self._steps_left < 0:
            raise TooLong
        return evaluate(self.context, self)

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

    def admits(self, prefix: str, limit: int) -> bool:
        """Whether the hash of the prefix and the target id is below the limit. Without an id it is not."""
        if self.target_id is None:
            return False
        self.read(self.target_id)
        return hash_of(prefix + self.target_id) < limit

    def compiles(self, steps: int) -> None:
        """Something that takes so many steps to evaluate is about to be compiled. Raises TooLong."""
        self._may_compile -= steps * COMPILING
        if self._may_compile < 0:
            raise TooLong

    def may_generate(self) -> bool:
        """Whether source of a primitive may be generated now. It holds up the call, so that only the first may."""
        is_first, self._has_generated = not self._has_generated, True
        return is_first


class CompiledRuleset:
    """All states of an environment at one version. Flags and configs share `primitives`, because they share keys.

    `steps` is how many the evaluation of all may take, but for long values in the context. Source is generated `later`.
    """

    __slots__ = ("_batches", "environment_id", "later", "primitives", "segments", "steps", "target_id_path", "version")

    def __init__(
        self,
        environment_id: str,
        version: int,
        target_id_path: FieldPath,
        primitives: Mapping[str, CompiledPrimitive],
        segments: Mapping[str, CompiledSegment],
        later: Later = at_once,
        steps: int | None = None,
    ) -> None:
        self.environment_id: Final = environment_id
        self.version: Final = version
        self.target_id_path: Final = target_id_path
        self.primitives: Final = primitives
        self.segments: Final = segments
        self.later: Final = later
        if steps is None:
            steps = sum(one.steps for one in primitives.values()) + sum(one.steps for one in segments.values())
        self.steps: Final = steps
        self._batches: tuple[Batch, ...] | None = None

    @property
    def batches(self) -> tuple[Batch, ...]:
        """The flags and configs in their order, in parts that are evaluated in a millisecond at most."""
        if self._batches is None:
            self._batches = batches_of(self.primitives.values())
        return self._batches

    def call(self, context: Context, steps: float = math.inf) -> EvaluationCall:
        """An evaluation for the context that takes so many steps, and as many to compile, or is TooLong."""
        return EvaluationCall(self, context, steps, MAX_COMPARISONS, steps)

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
        written: dict[str, CompiledPrimitive] = {}
        for compiled in changed:
            key = compiled.state.key
            steps += compiled.steps
            if isinstance(compiled, CompiledSegment):
                gone.append(segments.get(key))
                segments[key] = compiled
            else:
                gone.append(primitives.get(key))
                primitives[key] = written[key] = compiled
        steps -= sum(one.steps for one in gone if one is not None)
        path = target_id_path or self.target_id_path
        later = CompiledRuleset(self.environment_id, version, path, primitives, segments, self.later, steps)
        if self._batches is not None:
            later._batches = changed_batches(self._batches, written, set(removed_primitives))
        return later
