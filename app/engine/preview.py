"""What drafts would do to contexts: each is evaluated with the ruleset as it is, and with the drafts in it.

Drafted flags and configs are shown for every context, and of what depends on the drafts what flips. A result is encoded
as soon as it is found, so that no answer is encoded at once.
"""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from app.engine import json_text
from app.engine.blast_radius import Budget, dependents_of, is_flip, shown_as
from app.engine.evaluation import Evaluation
from app.engine.references import Node
from app.engine.ruleset import Ruleset
from app.engine.sampled import Flips


class Result(NamedTuple):
    """A context, and by key what is evaluated for it: JSON objects."""

    context: bytes
    evaluations: bytes


class Preview:
    """Collects what becomes of contexts. What has no room in the answer is counted, and not shown: then it is
    `truncated`."""

    def __init__(
        self,
        live: Ruleset,
        drafted: Ruleset,
        drafts: Collection[Node],
        sees: Callable[[str], bool],
        budget: Budget,
        max_bytes: int,
    ) -> None:
        self.budget = budget
        self.results: list[Result] = []
        self.truncated = False
        self.sampled: Flips | None = None
        self._rulesets = live, drafted
        self._live = live.compiled
        self._drafted = drafted.compiled
        self._own = dict.fromkeys(one.key for one in drafts if one.kind == "primitive")
        self._keys = [*self._own, *filter(sees, dependents_of(live, drafts))]
        self._known: dict[tuple[int, int], bool] = {}
        self._flips = Counter[str]()
        self._bytes_left = max_bytes

    @property
    def version(self) -> int:
        """The environment's."""
        return self._live.version

    @property
    def flips(self) -> dict[str, int]:
        """How many contexts flip, by key."""
        return {key: self._flips[key] for key in self._keys if self._flips[key]}

    def add(self, context: dict[str, Any]) -> None:
        """Evaluates one context more. Raises TooLong, TooManyComparisons."""
        before: dict[str, Evaluation | None] = {}
        after: dict[str, Evaluation | None] = {}
        self.budget.evaluate(self._live, context, self._keys, before)
        self.budget.evaluate(self._drafted, context, self._keys, after)
        shown = []
        for key, now in after.items():
            flips = is_flip(before[key], now, self._known)
            self._flips[key] += flips
            if not self.truncated and (flips or key in self._own):
                compared = {"live": shown_as(before[key]), "preview": shown_as(now), "flips": flips}
                shown.append(b'"%b":%b' % (key.encode(), json_text.dump(compared)))
                self._take(len(shown[-1]))
        if not self.truncated:
            result = Result(json_text.dump(context), b"{%b}" % b",".join(shown))
            self._take(len(result.context))
            if not self.truncated:
                self.results.append(result)

    def count_sampled(self) -> Flips:
        """Contexts of a sample, which are counted only, apart from the others."""
        self.sampled = Flips(*self._rulesets, self._keys, self.budget)
        return self.sampled

    def _take(self, size: int) -> None:
        self._bytes_left -= size
        self.truncated = self._bytes_left < 0
