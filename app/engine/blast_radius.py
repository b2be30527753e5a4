"""What a proposed change would do to given contexts: each is evaluated with the ruleset as it is, and as it would be.

Only what the change can reach is evaluated. The work has a limit in all, and so has what is shown; what is left out is
said by `truncated`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from app.engine import json_text
from app.engine.evaluation import Evaluation
from app.engine.json_values import equal
from app.engine.references import Node
from app.engine.ruleset import Ruleset
from app.engine.snapshot import CompiledRuleset, EvaluationCall
from app.engine.work import MAX_COMPARISONS, TooLong, TooManyComparisons

MAX_SHOWN = 1_000
MAX_SHOWN_BYTES = 1024 * 1024
MAX_STEPS = 2_000_000
"""Conditions that are looked at for all contexts together: at most about a second of them."""
MAX_COMPARISONS_IN_ALL = 4 * MAX_COMPARISONS

Radius = dict[str, Any]
Context = dict[str, Any]


def dependents_of(ruleset: Ruleset, changed: Collection[Node]) -> list[str]:
    """The flags and configs that depend on them through segments and prerequisites. A change of their own rules does
    not change which."""
    return sorted(one.key for one in ruleset.users(changed).difference(changed) if one.kind == "primitive")


def seen_by(radius: Mapping[str, Any], sees: Callable[[str], bool]) -> Radius:
    """The radius without the flags and configs that a reader may not read."""
    results = [{**result, "evaluations": _only(result["evaluations"], sees)} for result in radius["results"]]
    sampled = [
        {**one, "keys": [key if sees(key) else None for key in one["keys"]]} for one in radius.get("sampled", ())
    ]
    return {**radius, "results": results, "flips": _only(radius["flips"], sees), **_where_sampled(sampled)}


def reached_by(radius: Mapping[str, Any], reaches: Callable[[str], bool]) -> Radius:
    """The radius of what a reader's environments show, counted again."""
    results = [result for result in radius["results"] if reaches(result["envId"])]
    flips = Counter(key for result in results for key, one in result["evaluations"].items() if one["flips"])
    sampled = [one for one in radius.get("sampled", ()) if reaches(one["envId"])]
    left = {name: value for name, value in radius.items() if name != "sampled"}
    return {**left, "contexts": len(results), "results": results, "flips": dict(flips), **_where_sampled(sampled)}


def _where_sampled(sampled: list[Any]) -> dict[str, Any]:
    """The member of a radius that has what was sampled, by environment, where anything was."""
    return {"sampled": sampled} if sampled else {}


def _only(by_key: Mapping[str, Any], sees: Callable[[str], bool]) -> dict[str, Any]:
    return {key: value for key, value in by_key.items() if sees(key)}


class Budget:
    """What many evaluations may do, all together."""

    def __init__(self, steps: float, comparisons: int) -> None:
        self.steps = steps
        self.comparisons = comparisons

    def evaluate(
        self, ruleset: CompiledRuleset, context: Context, keys: Iterable[str], found: dict[str, Evaluation | None]
    ) -> None:
        """Puts the outcomes of the keys, in their order, into what was found. Raises TooLong, TooManyComparisons."""
        comparisons = min(self.comparisons, MAX_COMPARISONS)
        call = EvaluationCall(ruleset, context, self.steps, comparisons)
        try:
            for key in keys:
                found[key] = call.evaluate(key)
        finally:
            self.steps, left = call.left
            self.comparisons -= comparisons - left


class BlastRadius:
    """Collects what a change does, environment by environment. Shares one limit among all that it is given."""

    def __init__(self, max_steps: float = MAX_STEPS, max_comparisons: int = MAX_COMPARISONS_IN_ALL) -> None:
        self._budget = Budget(max_steps, max_comparisons)
        self._evaluations_left = MAX_SHOWN
        self._bytes_left = MAX_SHOWN_BYTES
        self._contexts = 0
        self._results: list[dict[str, Any]] = []
        self._flips = Counter[str]()
        self._sampled: list[Any] = []
        self._full = False
        self._truncated = False

    def add(
        self,
        live: Ruleset,
        proposed: Ruleset,
        changed: Collection[str],
        dependents: Collection[str],
        contexts: Collection[Context],
    ) -> None:
        """What becomes of the contexts in an environment. The flags and configs that are changed are always shown, and
        of the dependents those that flip.
        """
        keys, changed = [*changed, *dependents], frozenset(changed)
        self._contexts += len(contexts)
        known: dict[tuple[int, int], bool] = {}
        for context in contexts:
            result: dict[str, Any] = {"envId": live.environment_id, "context": context, "evaluations": {}}
            if self._has_room(result):
                self._results.append(result)
            before = self._evaluate(live.compiled, context, keys)
            after = self._evaluate(proposed.compiled, context, before)
            for key, now in after.items():
                flips = is_flip(before[key], now, known)
                self._flips[key] += flips
                if flips or key in changed:
                    shown = {key: {"live": shown_as(before[key]), "proposed": shown_as(now), "flips": flips}}
                    if self._has_room(shown, evaluations=1):
                        result["evaluations"].update(shown)

    def add_sampled(self, environment_id: str, counted: Mapping[str, Any]) -> None:
        """What becomes of the contexts that an environment has sampled."""
        self._sampled.append({"envId": environment_id, **counted})

    def document(self, version: int | None) -> Radius:
        """All that was found, as JSON. What was sampled is there by environment; `shown` counts it together."""
        return {
            "version": version,
            "contexts": self._contexts,
            "results": self._results,
            "flips": {key: count for key, count in self._flips.items() if count},
            "truncated": self._truncated,
            **_where_sampled(self._sampled),
        }

    def _evaluate(
        self, ruleset: CompiledRuleset, context: Context, keys: Iterable[str]
    ) -> dict[str, Evaluation | None]:
        """The outcomes of as many keys, in their order, as the limit allows."""
        found: dict[str, Evaluation | None] = {}
        try:
            self._budget.evaluate(ruleset, context, keys, found)
        except (TooLong, TooManyComparisons):
            self._truncated = True
        return found

    def _has_room(self, shown: Any, evaluations: int = 0) -> bool:
        """Whether there is room for it, which it then takes. Where there is not, nothing more is shown."""
        size = 0 if self._full else len(json_text.dump(shown))
        if self._full or size > self._bytes_left or evaluations > self._evaluations_left:
            self._full = self._truncated = True
            return False
        self._bytes_left -= size
        self._evaluations_left -= evaluations
        return True


def is_flip(before: Evaluation | None, after: Evaluation | None, known: dict[tuple[int, int], bool]) -> bool:
    """Whether the values differ. What is `known` is by their identities, for they may be long."""
    if before is after:
        return False
    if before is None or after is None:
        return True
    values = id(before.value), id(after.value)
    if values not in known:
        known[values] = not equal(before.value, after.value)
    return known[values]


def shown_as(outcome: Evaluation | None) -> dict[str, Any] | None:
    """The part of an outcome that is shown beside another."""
    return None if outcome is None else {"value": outcome.value, "reason": outcome.reason}
