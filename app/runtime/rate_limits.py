"""The rate buckets of tokens and organisations: in this process's memory, or wherever else the protocol is kept."""

import time
from collections.abc import Callable
from typing import Protocol

from app.domain.rate_limits import COST, Taken, drained, take

SWEEP_AT = 10_000


class Buckets(Protocol):
    """Two buckets taken from together or not at all. Both limits are those of this moment."""

    async def take(self, token_id: str, limit: int, org_id: str, org_limit: int) -> Taken:
        """One request of the token. `retry_after` above 0: it is refused, and nothing is taken."""


class MemoryBuckets:
    """For one process. What is not there is full, so full buckets are forgotten when there are many."""

    def __init__(self, clock: Callable[[], int] = lambda: time.monotonic_ns() // 1000) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[int, int, int]] = {}  # spent, when, and the limit of then
        self._sweep_at = SWEEP_AT

    async def take(self, token_id: str, limit: int, org_id: str, org_limit: int) -> Taken:
        at = self._clock()
        token_spent, org_spent = self._spent(token_id, limit, at), self._spent(org_id, org_limit, at)
        taken = take(token_spent, limit, org_spent, org_limit)
        if not taken.retry_after:
            self._buckets[token_id] = (token_spent + COST, at, limit)
            self._buckets[org_id] = (org_spent + COST, at, org_limit)
            if len(self._buckets) >= self._sweep_at:
                self._sweep(at)
        return taken

    def _spent(self, bucket_id: str, limit: int, at: int) -> int:
        spent, since, _ = self._buckets.get(bucket_id, (0, at, limit))
        return drained(spent, limit, at - since)

    def _sweep(self, at: int) -> None:
        self._buckets = {
            one: (spent, since, limit)
            for one, (spent, since, limit) in self._buckets.items()
            if drained(spent, limit, at - since)
        }
        self._sweep_at = max(SWEEP_AT, 2 * len(self._buckets))
