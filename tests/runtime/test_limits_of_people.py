"""Counting within a process: exact in every period, never half taken, and not without bound."""

import pytest

from app.domain.rate_limits import Allowance
from app.runtime.rate_limits import MemoryLimits


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the counts."""
    return Clock()


async def test_no_period_of_that_length_holds_more(clock: Clock) -> None:
    counts, twice_a_minute = MemoryLimits(clock), Allowance("ada", 2, 60)
    assert await counts.take(twice_a_minute) == 0
    clock.now += 50
    assert await counts.take(twice_a_minute) == 0
    assert await counts.take(twice_a_minute) == 10
    clock.now += 10  # the first one is over, the second one is not
    assert await counts.take(twice_a_minute) == 0
    assert await counts.take(twice_a_minute) == 50


async def test_from_all_or_from_none(clock: Clock) -> None:
    counts, wide, narrow = MemoryLimits(clock), Allowance("wide", 2), Allowance("narrow", 1)
    assert await counts.take(wide, narrow) == 0
    assert await counts.take(wide, narrow) == 3600
    assert await counts.take(wide) == 0
    assert await counts.take(wide) == 3600


async def test_what_is_given_back_may_be_taken_again(clock: Clock) -> None:
    counts, once = MemoryLimits(clock), Allowance("ada", 1)
    await counts.give_back(once)
    assert await counts.take(once) == 0
    await counts.give_back(once)
    assert await counts.take(once) == 0
    assert await counts.take(once) > 0


async def test_whoever_was_quiet_longest_is_forgotten(clock: Clock) -> None:
    counts = MemoryLimits(clock, max_counted=2)
    for who in ("ada", "bob", "ada", "eve"):
        assert await counts.take(Allowance(who, 2)) == 0
    assert await counts.take(Allowance("ada", 2)) > 0
    assert await counts.take(Allowance("bob", 1)) == 0
