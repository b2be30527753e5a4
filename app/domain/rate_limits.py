"""Rate limits: the token buckets of API keys as arithmetic, and what a store of people's limits must do.

A bucket stores what has been spent: 0 at first, `COST` more with each request, less by `limit` with each microsecond.
So `limit` requests a minute refill continuously, a burst is at most `limit`, and a missing bucket is a full one. A
changed limit applies to the next request, because nothing else depends on it. Whole numbers only, no clock.
"""

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


class Taken(NamedTuple):
    """The result for a request, by the tighter bucket. `retry_after` is 0 if the request was admitted."""

    limit: int
    remaining: int
    reset: int
    retry_after: int = 0


def drained(spent: int, limit: int, elapsed: int) -> int:
    """What remains of `spent` after `elapsed` microseconds, at most what the bucket can store at this limit."""
    held = limit * COST
    left = min(held, spent) - (limit * elapsed if elapsed > 0 else 0)
    return max(0, left)


def remaining(spent: int, limit: int) -> int:
    """Whole requests that the bucket still admits."""
    return (limit * COST - spent) // COST


def reset(spent: int, limit: int) -> int:
    """Whole seconds until the bucket is full."""
    return -(-spent // (limit * MICROSECONDS))


def wait(spent: int, limit: int) -> int:
    """Microseconds until the bucket admits a request; 0 if it does now."""
    over = spent + COST - limit * COST
    return -(-over // limit) if over > 0 else 0


def take(token_spent: int, token_limit: int, org_spent: int, org_limit: int) -> Taken:
    """One request from both buckets, after they were drained. The result is that of the tighter one.

    If `retry_after` is 0, the caller adds `COST` to both; otherwise nothing is taken from either.
    """
    token_wait, org_wait = wait(token_spent, token_limit), wait(org_spent, org_limit)
    if token_wait or org_wait:
        return _refused(token_spent, token_limit) if token_wait >= org_wait else _refused(org_spent, org_limit)
    token_left = remaining(token_spent + COST, token_limit)
    if token_left <= remaining(org_spent + COST, org_limit):
        return _admitted(token_spent + COST, token_limit)
    return _admitted(org_spent + COST, org_limit)


def _admitted(spent: int, limit: int) -> Taken:
    return Taken(limit, remaining(spent, limit), reset(spent, limit))


def _refused(spent: int, limit: int) -> Taken:
    """Seconds to wait are whole, at least one."""
    return _admitted(spent, limit)._replace(retry_after=-(-wait(spent, limit) // MICROSECONDS))
