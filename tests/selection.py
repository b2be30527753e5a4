"""Which of a behaviour test's four pairs of transport and database are run: on a push two, in CI all.

The two are a diagonal, so that each test meets both transports and both databases. Which one hangs on the test's name
and its other parameters, so that of many tests each pair has its half.
"""

from collections import Counter
from zlib import crc32

import pytest

Pair = tuple[str, str]
DIAGONALS: tuple[set[Pair], set[Pair]] = (
    {("rest", "sqlite"), ("graphql", "postgres")},
    {("rest", "postgres"), ("graphql", "sqlite")},
)
PAIRS = DIAGONALS[0] | DIAGONALS[1]
# A test of one transport is run on both databases, unless it has so many other parameters that each meets many of them.
MANY = 16


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects the pairs off the diagonal, unless all pairs were asked for, or one by its full name."""
    if config.getoption("all"):
        return
    asked = {argument.rpartition("/")[2] for argument in config.args}
    paired = {item: pair for item in items if (pair := _pair(item)) in PAIRS}
    pairs_of = Counter(_name(item, pair) for item, pair in paired.items())
    items_of = Counter(_function(item) for item in paired)
    off = {
        item
        for item, pair in paired.items()
        if pair not in DIAGONALS[crc32(_name(item, pair).encode()) % 2]
        and (pairs_of[_name(item, pair)] == len(PAIRS) or items_of[_function(item)] >= MANY)
        and item.get_closest_marker("all_pairs") is None
        and item.nodeid.rpartition("/")[2] not in asked
    }
    config.hook.pytest_deselected(items=list(off))
    items[:] = [item for item in items if item not in off]


def _pair(item: pytest.Item) -> Pair | None:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return (params["instance"], params["engine"]) if {"instance", "engine"} <= params.keys() else None


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0].rpartition("/")[2]


def _name(item: pytest.Item, pair: Pair) -> str:
    """The test with its other parameters."""
    others = item.nodeid.partition("[")[2].removesuffix("]").split("-")
    for one in pair:
        others.remove(one)
    return f"{_function(item)}[{'-'.join(others)}]"
