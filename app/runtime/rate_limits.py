"""Rate limits in this process's memory: the token buckets of callers, and the uses of people.

A shared store would keep the same protocols for all nodes.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Protocol

from app.domain.rate_limits import COST, Allowance, Bucket, Taken, drained, take

SWEEP_AT = 10_000
MAX_COUNTED = 100_000


class Buckets(Protocol):
    """Takes from all buckets of a caller, or from none. The limits may change between calls."""

    async def take(self, buckets: Sequence[Bucket], times: int = 1) -> Taken:
        """So many requests. `retry_after` above 0: they are refused, and nothing is taken."""

    def take_at_once(self, buckets: Sequence[Bucket], times: int = 1) -> Taken | None:
        """The same; None, with nothing taken, where one has to wait for that."""


class MemoryBuckets:
    """A bucket that is not stored is full, so full ones are dropped once there are `sweep_at`."""

    def __init__(
        self, clock: Callable[[], int] = lambda: time.monotonic_ns() // 1000, *, sweep_at: int = SWEEP_AT
    ) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[int, int, int]] = {}  # spent, when, and the limit of then
        self._least_swept = self._sweep_at = sweep_at

    async def take(self, buckets: Sequence[Bucket], times: int = 1) -> Taken:
        return self.take_at_once(buckets, times)

    def take_at_once(self, buckets: Sequence[Bucket], times: int = 1) -> Taken:
        at, kept, found = self._clock(), self._buckets, []
        for bucket_id, limit in buckets:
            before = kept.get(bucket_id)
            found.append((0 if before is None else drained(before[0], limit, at - before[1]), limit))
        taken = take(found, times)
        if not taken.retry_after:
            for (bucket_id, limit), (spent, _) in zip(buckets, found, strict=True):
                kept[bucket_id] = (spent + times * COST, at, limit)
            if len(kept) >= self._sweep_at:
                self._sweep(at)
        return taken

    def _sweep(self, at: int) -> None:
        self._buckets = {
            one: (spent, since, limit)
            for one, (spent, since, limit) in self._buckets.items()
            if drained(spent, limit, at - since)
        }
        self._sweep_at = max(self._least_swept, 2 * len(self._buckets))


class MemoryLimits:
    """Keeps the time of each use, for exact limits. Beyond `max_counted`, whoever was idle longest is dropped first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, max_counted: int = MAX_COUNTED) -> None:
        self._clock = clock
        self._max_counted = max_counted
        self._taken: OrderedDict[str, deque[float]] = OrderedDict()

    async def take(self, *allowances: Allowance) -> float:
        at = self._clock()
        if (wait := max(self._wait(allowance, at) for allowance in allowances)) > 0:
            return wait
        for allowance in allowances:
            self._taken.setdefault(allowance.who, deque()).append(at)
            self._taken.move_to_end(allowance.who)
        while len(self._taken) > self._max_counted:
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
