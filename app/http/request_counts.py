"""How many requests there were, and how long they took: counted as each is logged, read when `/metrics` is."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""In seconds, upper bounds of the buckets. What takes longer is in one of its own."""
MAX_KINDS = 5_000
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"


class Kind(NamedTuple):
    """What requests are counted by: nothing of it is what a caller wrote."""

    route: str
    method: str
    status: int
    code: str


class Counted(NamedTuple):
    """How many of a kind took how long, by bucket, and how long in all."""

    kind: Kind
    buckets: list[int]
    seconds: float


class RequestCounts:
    def __init__(self) -> None:
        self._buckets: dict[tuple[str, int, str | None, str | None], list[float]] = {}

    def note(self, route: str, status: int, method: str | None, code: str | None, seconds: float) -> None:
        """Counts a request. What is no request has no method. Called for each, so it does nothing else."""
        found = self._buckets.get((route, status, method, code))
        if found is None:
            found = self._new(route, status, method, code)
        found[bisect_left(BOUNDS, seconds)] += 1
        found[-1] += seconds

    def _new(self, route: str, status: int, method: str | None, code: str | None) -> list[float]:
        """Methods are what callers write, and so they are counted by name only where there is such a one."""
        known = method if method is None or method in METHODS else _OTHER
        if len(self._buckets) >= MAX_KINDS:
            route, code = _OTHER, None
        return self._buckets.setdefault((route, status, known, code), [0] * (len(BOUNDS) + 2))

    def all(self) -> Iterator[Counted]:
        """What was counted so far."""
        for (route, status, method, code), found in list(self._buckets.items()):
            *buckets, seconds = found
            yield Counted(Kind(route, method or "", status, code or ""), list(map(int, buckets)), seconds)
