"""A uniform sample of what came in the last 24 hours, in bounded room.

Each draws a number when it comes, and those with the lowest are kept. What expires leaves its number behind for as long
again: of those that came after it, only those are in the sample that are among the lowest with it. Otherwise whoever
came just after something had expired would be kept more often than others. It is bounded priority sampling (Gemulla and
Lehner, Sampling time-based sliding windows in bounded space, SIGMOD 2008): of steady traffic the sample has at least
about half of its size.
"""

import heapq
import math
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

WINDOW = timedelta(hours=24)
DRAWS = 2**62
"""Numbers are drawn below it."""


class Drawn(NamedTuple):
    """The number that something drew, and when it came."""

    draw: int
    at: datetime


def kept(drawn: Collection[Drawn], size: int, now: datetime) -> set[int]:
    """The numbers that are still needed: of what has not expired, and of what has, as many each as the size."""
    present = (one.draw for one in drawn if one.at > now - WINDOW)
    past = (one.draw for one in drawn if now - 2 * WINDOW < one.at <= now - WINDOW)
    return {*heapq.nsmallest(size, present), *heapq.nsmallest(size, past)}


def sampled(drawn: Iterable[Drawn], size: int, now: datetime) -> list[Drawn]:
    """The sample, in the order of the numbers, so that the first of it are a sample of their own."""
    lowest = heapq.nsmallest(size, (one for one in drawn if one.at > now - 2 * WINDOW))
    return [one for one in lowest if one.at > now - WINDOW]


def limit_of(drawn: Iterable[Drawn], size: int, until: datetime) -> int:
    """What comes before `until` and draws this or more will never be in the sample."""
    lowest = heapq.nsmallest(size, (one.draw for one in drawn if one.at > until - WINDOW))
    return lowest[-1] if len(lowest) == size else DRAWS


def skips(limit: int, random: float) -> int:
    """How many draw the limit or more before one draws less. `random` is at least 0 and less than 1."""
    return 0 if limit == DRAWS else int(math.log1p(-random) / math.log1p(-limit / DRAWS))
