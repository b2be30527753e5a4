"""How many contexts of a sample get other values by a change. Nothing of a context is kept: they are counted.

They are counted by which keys flip together, so that a reader of some of the keys can be told of these alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.engine.blast_radius import Budget, Context, is_flip
from app.engine.evaluation import Evaluation
from app.engine.ruleset import Ruleset

MAX_MEMBERS = 50_000
"""Keys of all groups together. What comes after that is not counted: contexts are in no order, so that those before it
are a sample as well."""


class Flips:
    """Counts contexts, one at a time."""

    def __init__(self, live: Ruleset, proposed: Ruleset, keys: Sequence[str], budget: Budget) -> None:
        self._contexts = 0
        self._live = live.compiled
        self._proposed = proposed.compiled
        self._keys = keys
        self._budget = budget
        self._room = MAX_MEMBERS
        self._known: dict[tuple[int, int], bool] = {}
        self._groups = Counter[tuple[str, ...]]()

    def add(self, context: Context) -> None:
        """Evaluates one context more. Raises TooLong, TooManyComparisons."""
        if self._room < 0:
            return
        before: dict[str, Evaluation | None] = {}
        after: dict[str, Evaluation | None] = {}
        self._budget.evaluate(self._live, context, self._keys, before)
        self._budget.evaluate(self._proposed, context, self._keys, after)
        flipping = tuple(key for key in self._keys if is_flip(before[key], after[key], self._known))
        if flipping not in self._groups:
            self._room -= len(flipping)
        if self._room >= 0:
            self._contexts += 1
            self._groups[flipping] += 1

    def document(self) -> dict[str, Any]:
        """What was counted, as JSON: each group has the indices of its keys, and how many contexts flip just these."""
        keys = list(dict.fromkeys(key for group in self._groups for key in group))
        indices = {key: index for index, key in enumerate(keys)}
        groups = [[[indices[key] for key in group], count] for group, count in self._groups.items()]
        return {"contexts": self._contexts, "keys": keys, "groups": groups}

    def counted(self) -> dict[str, Any]:
        """What is shown of it."""
        return counted([self.document()])


def shown(radius: dict[str, Any]) -> dict[str, Any]:
    """The blast radius as it is shown: with what was sampled counted together."""
    return {**radius, "sampled": counted(radius["sampled"])} if "sampled" in radius else radius


def counted(samples: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What is shown of samples: how many contexts were tried, how many get another value by key, and the share of those
    that get another value of any; null if there are none. A key that is None is not the reader's."""
    contexts = flipped = 0
    flips = Counter[str]()
    for sample in samples:
        contexts += sample["contexts"]
        for group, count in sample["groups"]:
            keys = [key for index in group if (key := sample["keys"][index]) is not None]
            flipped += count if keys else 0
            flips.update(dict.fromkeys(keys, count))
    return {"contexts": contexts, "flips": dict(flips), "share": round(flipped / contexts, 4) if contexts else None}
