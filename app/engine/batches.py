"""The flags and configs of a ruleset in batches, each of which becomes one function when all are asked for often.

A batch is small, so that its source is compiled in some milliseconds. A change of a primitive changes its batch, and
all other batches are kept with their functions.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain

from app.engine.compiled import CompiledPrimitive
from app.engine.source import DecideAll, decide_all_by_source

MAX_STEPS = 400
MAX_PRIMITIVES = 64
OFTEN = 10
"""From so many evaluations on, it pays to generate source."""
MANY = 100
"""From so many batches on, closures for all would take more memory than all else."""

Later = Callable[[Callable[[], None]], None]
"""Has something done soon, in the background."""


def at_once(work: Callable[[], None]) -> None:
    """Does it now."""
    work()


class Batch:
    """Some flags and configs, by key.

    `decide` has the outcomes of all, in so many steps at most; until they have been asked for often, it is None. Until
    they are first asked for, the batch is new, and its primitives may have to be compiled.
    """

    __slots__ = ("_asked", "decide", "is_new", "primitives", "steps")

    def __init__(self, primitives: Mapping[str, CompiledPrimitive]) -> None:
        self.primitives = primitives
        self.decide: DecideAll | None = None
        self.steps = sum(one.steps for one in primitives.values() if one.fits)
        self.is_new = True
        self._asked = 0

    def asked(self, later: Later) -> None:
        """They were all asked for."""
        self.is_new = False
        self._asked += 1
        if self._asked == OFTEN:
            later(self.generate)

    def generate(self) -> None:
        """Makes `decide`."""
        self.decide = decide_all_by_source(self.primitives.values())
        self.is_new = False
        self.forget_closures()

    def forget_closures(self) -> None:
        """Those of its primitives."""
        for one in self.primitives.values():
            one.forget_closures()


def batches_of(primitives: Iterable[CompiledPrimitive]) -> tuple[Batch, ...]:
    """All of them, in their order."""
    found: list[Batch] = []
    some: dict[str, CompiledPrimitive] = {}
    steps = 0
    for one in primitives:
        if some and (steps + one.steps > MAX_STEPS or len(some) == MAX_PRIMITIVES):
            found.append(Batch(some))
            some, steps = {}, 0
        some[one.state.key] = one
        steps += one.steps
    return (*found, Batch(some)) if some else tuple(found)


def changed_batches(
    batches: tuple[Batch, ...], changed: Mapping[str, CompiledPrimitive], removed: AbstractSet[str]
) -> tuple[Batch, ...]:
    """The batches after a change: what it removed is gone, and what is new comes last."""
    touched, found, left = changed.keys() | removed, list[Batch](), dict(changed)
    for batch in batches:
        if batch.primitives.keys().isdisjoint(touched):
            found.append(batch)
            continue
        kept = {key: left.pop(key, one) for key, one in batch.primitives.items() if key not in removed}
        found += batches_of(kept.values())
    if left and found:
        last = found.pop()
        return (*found, *batches_of(chain(last.primitives.values(), left.values())))
    return (*found, *batches_of(left.values()))
