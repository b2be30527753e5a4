"""The sample is uniform among what came in the last 24 hours, and never holds more than its size."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from app.domain.sampling import DRAWS, WINDOW, Drawn, kept, limit_of, sampled, skips

START = datetime(2026, 3, 1, tzinfo=UTC)


class Simulated:
    """A stream of things that is sampled as the product does it: written in batches, with a limit for what comes."""

    def __init__(self, size: int, random: Random) -> None:
        self.size = size
        self.random = random
        self.written: list[Drawn] = []
        self.chosen: list[Drawn] = []
        self.limit = DRAWS
        self.skips = 0

    def offer(self, at: datetime) -> None:
        """One thing comes."""
        if self.skips:
            self.skips -= 1
            return
        self.chosen.append(Drawn(self.random.randrange(self.limit), at))
        self.skips = skips(self.limit, self.random.random())

    def write(self, now: datetime) -> None:
        """What was chosen is written."""
        drawn = [*self.written, *self.chosen]
        needed = kept(drawn, self.size, now)
        self.written, self.chosen = [one for one in drawn if one.draw in needed], []
        self.limit = limit_of(self.written, self.size, now + timedelta(hours=1))
        self.skips = skips(self.limit, self.random.random())


@pytest.mark.parametrize("bursts", [False, True], ids=["steady", "in bursts"])
def test_whatever_came_in_the_last_day_is_as_likely_to_be_in_the_sample(bursts: bool) -> None:
    random, size, rounds = Random(16), 6, 3_000
    times = [START + timedelta(hours=n / 2) for n in range(144)]  # three days
    if bursts:  # all of a day within some hours, so that much expires at once
        times = [at for at in times if 8 <= at.hour < 14]
    now = times[-1]
    seen, sizes = Counter[datetime](), Counter[int]()
    for _ in range(rounds):
        stream = Simulated(size, random)
        for n, at in enumerate(times):
            stream.offer(at)
            if n % 2:
                stream.write(at)
        found = sampled(stream.written, size, now)
        assert len(stream.written) <= 2 * size
        sizes[len(found)] += 1
        seen.update(one.at for one in found)
    present = [at for at in times if now - WINDOW < at]
    assert set(seen) == set(present)
    expected = seen.total() / len(present)
    chi_square = sum((seen[at] - expected) ** 2 / expected for at in present)
    degrees = len(present) - 1
    assert chi_square < degrees + 4 * (2 * degrees) ** 0.5  # four standard deviations
    assert max(sizes) <= size
    assert seen.total() / rounds >= size / 2 * 0.9, "about half of the size at least"


def test_as_many_are_passed_over_as_if_each_had_drawn() -> None:
    random, limit, rounds = Random(4), DRAWS // 50, 20_000
    drawn = [skips(limit, random.random()) for _ in range(rounds)]
    assert 47 <= sum(drawn) / rounds <= 51  # (1 - p) / p
    assert skips(DRAWS, 0.999) == 0
    assert skips(1, 0.5) > 10**18


def test_the_first_to_come_are_all_kept_until_there_is_no_room() -> None:
    few = [Drawn(n, START) for n in range(3)]
    assert kept(few, 4, START) == {0, 1, 2}
    assert limit_of(few, 4, START) == DRAWS
    assert limit_of(few, 3, START) == 2
    assert limit_of(few, 3, START + WINDOW) == DRAWS


def test_what_has_expired_is_not_in_the_sample_but_takes_the_place_of_what_drew_more() -> None:
    drawn = [Drawn(1, START), Drawn(2, START + timedelta(hours=1)), Drawn(3, START + timedelta(hours=2))]
    assert sampled(drawn, 2, START + WINDOW) == [drawn[1]]
    assert sampled(drawn, 3, START + WINDOW) == drawn[1:]
    assert sampled(drawn, 2, START + 2 * WINDOW) == []
