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
from app.engine.snapshot import Call, CompiledRuleset
from app.engine.work import MAX_COMPARISONS, TooLong, TooManyComparisons

MAX_SHOWN = 1_000
MAX_SHOWN_BYTES = 1024 * 1024
MAX_STEPS = 2_000_000
"""Conditions that are looked at for all contexts together: at most about a second of them."""
MAX_COMPARISONS_IN_ALL = 4 * MAX_COMPARISONS

Radius = dict[str, Any]
Context = dict[str, Any]


def dependents_of(ruleset: Ruleset, changed: Node) -> list[str]:
    """The flags and configs that depend on it through segments and prerequisites. A change of its own rules does not
    change which."""
    return sorted(one.key for one in ruleset.users(changed) - {changed} if one.kind == "primitive")


def seen_by(radius: Mapping[str, Any], sees: Callable[[str], bool]) -> Radius:
    """The radius without the flags and configs that a reader may not read."""
    results = [{**result, "evaluations": _only(result["evaluations"], sees)} for result in radius["results"]]
    return {**radius, "results": results, "flips": _only(radius["flips"], sees)}


def _only(by_key: Mapping[str, Any], sees: Callable[[str], bool]) -> dict[str, Any]:
    return {key: value for key, value in by_key.items() if sees(key)}


class BlastRadius:
    """Collects what a change does, environment by environment. Shares one limit among all that it is given."""

    def __init__(self, max_steps: float = MAX_STEPS, max_comparisons: int = MAX_COMPARISONS_IN_ALL) -> None:
        self._steps = max_steps
        self._comparisons = max_comparisons
        self._evaluations_left = MAX_SHOWN
        self._bytes_left = MAX_SHOWN_BYTES
        self._contexts = 0
        self._results: list[dict[str, Any]] = []
        self._flips = Counter[str]()
        self._full = False
        self._truncated = False

    def add(
        self,
        live: Ruleset,
        proposed: Ruleset,
        changed: str | None,
        dependents: Collection[str],
        contexts: Collection[Context],
    ) -> None:
        """What becomes of the contexts in an environment. The changed flag or config is always shown, and of the
        dependents those that flip. It has none where a segment changes.
        """
        keys = [*([] if changed is None else [changed]), *dependents]
        self._contexts += len(contexts)
        known: dict[tuple[int, int], bool] = {}  # by the values' identities, for a value may be long
        for context in contexts:
            result: dict[str, Any] = {"envId": live.environment_id, "context": context, "evaluations": {}}
            if self._has_room(result):
                self._results.append(result)
            before = self._evaluate(live.compiled, context, keys)
            after = self._evaluate(proposed.compiled, context, before)
            for key, now in after.items():
                flips = _flips(before[key], now, known)
                self._flips[key] += flips
                if flips or key == changed:
                    shown = {key: {"live": _shown(before[key]), "proposed": _shown(now), "flips": flips}}
                    if self._has_room(shown, evaluations=1):
                        result["evaluations"].update(shown)

    def document(self, version: int | None) -> Radius:
        """All that was found, as JSON."""
        return {
            "version": version,
            "contexts": self._contexts,
            "results": self._results,
            "flips": {key: count for key, count in self._flips.items() if count},
            "truncated": self._truncated,
        }

    def _evaluate(
        self, ruleset: CompiledRuleset, context: Context, keys: Iterable[str]
    ) -> dict[str, Evaluation | None]:
        """The outcomes of as many keys, in their order, as the limit allows."""
        comparisons = min(self._comparisons, MAX_COMPARISONS)
        call = Call(ruleset, context, self._steps, comparisons)
        found: dict[str, Evaluation | None] = {}
        try:
            for key in keys:
                found[key] = call.evaluate(key)
        except (TooLong, TooManyComparisons):
            self._truncated = True
        self._steps, left = call.left
        self._comparisons -= comparisons - left
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


def _flips(before: Evaluation | None, after: Evaluation | None, known: dict[tuple[int, int], bool]) -> bool:
    if before is after:
        return False
    if before is None or after is None:
        return True
    values = id(before.value), id(after.value)
    if values not in known:
        known[values] = not equal(before.value, after.value)
    return known[values]


def _shown(outcome: Evaluation | None) -> dict[str, Any] | None:
    return None if outcome is None else {"value": outcome.value, "reason": outcome.reason}
