"""Rate limits: the token buckets of callers as arithmetic, and what a store of people's limits must do.

A bucket stores what has been spent: 0 at first, `COST` more with each request, less by `limit` with each microsecond.
So `limit` requests a minute refill continuously, a burst is at most `limit`, and a missing bucket is a full one. A
changed limit applies to the next request, because nothing else depends on it. Whole numbers only, no clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

HOUR_SECONDS = 3600.0
MICROSECONDS = 1_000_000
COST = 60 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class Allowance:
    """`times` in any period of `seconds`, for `who`."""

    who: str
    times: int
    seconds: float = HOUR_SECONDS


class Limits(Protocol):
    """Counts what people do."""

    async def take(self, *allowances: Allowance) -> float:
        """Takes one from each and returns 0. If one is used up, takes nothing and returns the seconds to wait."""
        ...

    async def give_back(self, *allowances: Allowance) -> None:
        """Undoes what was taken last."""
        ...


class Bucket(NamedTuple):
    """Whose bucket it is, and how many requests a minute it admits now."""

    id: str
    limit: int


class Taken(NamedTuple):
    """The result for requests, by the tightest bucket. `retry_after` is 0 if they were admitted."""

    limit: int
    remaining: int
    reset: int
    retry_after: int = 0


def drained(spent: int, limit: int, elapsed: int) -> int:
    """What remains of `spent` after `elapsed` microseconds, at most what the bucket can store at this limit."""
    if spent > (held := limit * COST):
        spent = held
    if elapsed > 0:
        spent -= limit * elapsed
    return max(0, spent)  # `max` takes as long as all of this


def remaining(spent: int, limit: int) -> int:
    """Whole requests that the bucket still admits."""
    return (limit * COST - spent) // COST


def reset(spent: int, limit: int) -> int:
    """Whole seconds until the bucket is full."""
    return -(-spent // (limit * MICROSECONDS))


def wait(spent: int, limit: int, times: int = 1) -> int:
    """Microseconds until the bucket admits that many requests, at most `limit`; 0 if it does now."""
    over = spent + times * COST - limit * COST
    return -(-over // limit) if over > 0 else 0


def take(buckets: Sequence[tuple[int, int]], times: int = 1) -> Taken:
    """So many requests from each bucket, given as what it has spent, after it was drained, and its limit.

    The result is that of the tightest one, the first on a tie. If `retry_after` is 0, the caller adds `times * COST` to
    each; otherwise nothing is taken from any.
    """
    longest, least, spent, limit = -1, None, 0, 1
    for found, of in buckets:
        if (waits := wait(found, of, times)) > longest:
            longest, spent, limit = waits, found, of
    if not longest:
        for found, of in buckets:
            left = remaining(after := found + times * COST, of)
            if least is None or left < least:
                least, spent, limit = left, after, of
    return Taken(limit, remaining(spent, limit), reset(spent, limit), -(-longest // MICROSECONDS))
