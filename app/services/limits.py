"""How often something may happen: what a store of counts must do, and the one that does it within one process.

A shared store does the same for all nodes. Who is counted, and how often is too often, is said in `clients`.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

HOUR = 3600.0
MAX_WHO = 100_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many times in any period of so many seconds, for `who`."""

    who: str
    times: int
    seconds: float = HOUR


class Limits(Protocol):
    async def take(self, *allowances: Allowance) -> float:
        """Takes one from each and gives 0; or, when one is used up, takes nothing and gives the seconds to wait."""
        ...

    async def give_back(self, *allowances: Allowance) -> None:
        """Takes back what was taken last."""
        ...


class MemoryLimits:
    """The counts of one process: the instants of what was taken. Whoever was quiet longest is forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._taken: OrderedDict[str, deque[float]] = OrderedDict()

    async def take(self, *allowances: Allowance) -> float:
        at = self._clock()
        if (wait := max(self._wait(allowance, at) for allowance in allowances)) > 0:
            return wait
        for allowance in allowances:
            self._taken.setdefault(allowance.who, deque()).append(at)
            self._taken.move_to_end(allowance.who)
        while len(self._taken) > MAX_WHO:
            self._taken.popitem(last=False)
        return 0

    async def give_back(self, *allowances: Allowance) -> None:
        for allowance in allowances:
            if taken := self._taken.get(allowance.who):
                taken.pop()

    def _wait(self, allowance: Allowance, at: float) -> float:
        taken = self._taken.get(allowance.who, deque())
        while taken and taken[0] <= at - allowance.seconds:
            taken.popleft()
        return 0 if len(taken) < allowance.times else taken[-allowance.times] + allowance.seconds - at
