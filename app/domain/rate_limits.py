"""Rate limits as arithmetic: continuous token buckets, whole numbers only, no clock.

A bucket holds what was spent of it: nothing at first, `COST` more with each request, drained by `limit` in each
microsecond. `limit` requests a minute so refill evenly, a burst is at most `limit`, and a bucket that is not there is
full. A changed limit acts on the next request, for nothing else depends on it.
"""

from typing import NamedTuple

MICROSECONDS = 1_000_000
COST = 60 * MICROSECONDS


class Taken(NamedTuple):
    """The answer to a request, by the bucket that callers are told of; `retry_after` is 0 where it was admitted."""

    limit: int
    remaining: int
    reset: int
    retry_after: int = 0


def drained(spent: int, limit: int, elapsed: int) -> int:
    """What is left of `spent` after `elapsed` microseconds; never more than the bucket holds at this limit."""
    held = limit * COST
    left = min(held, spent) - (limit * elapsed if elapsed > 0 else 0)
    return max(0, left)


def remaining(spent: int, limit: int) -> int:
    """How many whole requests the bucket still admits."""
    return (limit * COST - spent) // COST


def reset(spent: int, limit: int) -> int:
    """Whole seconds until the bucket is full."""
    return -(-spent // (limit * MICROSECONDS))


def wait(spent: int, limit: int) -> int:
    """Microseconds until the bucket admits a request: 0 for now."""
    over = spent + COST - limit * COST
    return -(-over // limit) if over > 0 else 0


def told(spent: int, limit: int) -> Taken:
    """What callers are told of a bucket that admitted a request."""
    return Taken(limit, remaining(spent, limit), reset(spent, limit))


def refused(spent: int, limit: int) -> Taken:
    """What callers are told of a bucket that did not: whole seconds, at least one."""
    return told(spent, limit)._replace(retry_after=-(-wait(spent, limit) // MICROSECONDS))


def take(token_spent: int, token_limit: int, org_spent: int, org_limit: int) -> Taken:
    """One request from both buckets, drained to this moment: told of the tighter one.

    Where `retry_after` is 0 the caller adds `COST` to both; else nothing is taken from either.
    """
    token_wait, org_wait = wait(token_spent, token_limit), wait(org_spent, org_limit)
    if token_wait or org_wait:
        return refused(token_spent, token_limit) if token_wait >= org_wait else refused(org_spent, org_limit)
    token_left = remaining(token_spent + COST, token_limit)
    if token_left <= remaining(org_spent + COST, org_limit):
        return told(token_spent + COST, token_limit)
    return told(org_spent + COST, org_limit)
