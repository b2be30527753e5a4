"""The arithmetic of rate limits under a simulated clock, and the store in memory that keeps the buckets."""

import asyncio
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rate_limits import COST, MICROSECONDS, Bucket, Taken, drained, remaining, reset, take, wait
from app.runtime.rate_limits import Buckets, MemoryBuckets

MINUTE = 60 * MICROSECONDS
limits = st.integers(1, 700_000)
spent = st.integers(0, 700_000 * COST)
pauses = st.integers(0, 3 * MINUTE) | st.integers(0, 1000)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> int:
        return self.at


STORES: list[Any] = [MemoryBuckets]  # a store elsewhere joins here


def run(store: Buckets, *, token: int, org: int, token_id: str = "t", times: int = 1) -> Taken:
    return asyncio.run(store.take([Bucket(token_id, token), Bucket("o", org)], times))


@given(spent, limits, pauses, pauses)
def test_draining_in_two_steps_is_draining_in_one(spent: int, limit: int, first: int, second: int) -> None:
    assert drained(drained(spent, limit, first), limit, second) == drained(spent, limit, first + second)


@given(spent, limits, pauses)
def test_what_is_left_is_exact(spent: int, limit: int, elapsed: int) -> None:
    left = drained(min(spent, limit * COST), limit, elapsed)
    exact = max(Fraction(min(spent, limit * COST), COST) - Fraction(limit * elapsed, MINUTE), Fraction(0))
    assert Fraction(left, COST) == exact
    assert remaining(left, limit) == (limit - exact).__floor__()
    seconds = exact / Fraction(limit, 60)
    assert reset(left, limit) == seconds.__ceil__()


@given(spent, limits, st.integers(1, 100))
def test_after_the_wait_and_not_before_it_there_is_room(spent: int, limit: int, times: int) -> None:
    times = min(times, limit)
    now = drained(spent, limit, 0)
    after = wait(now, limit, times)
    assert remaining(drained(now, limit, after), limit) >= times
    if after:
        assert remaining(drained(now, limit, after - 1), limit) < times


@given(spent, limits, st.integers(-MINUTE, -1))
def test_a_clock_that_goes_back_gives_nothing(spent: int, limit: int, elapsed: int) -> None:
    assert drained(spent, limit, elapsed) == min(spent, limit * COST)


@given(limits, limits, spent, spent, st.integers(1, 100))
def test_both_are_taken_or_neither_and_the_tighter_one_is_told(
    token_limit: int, org_limit: int, token_spent: int, org_spent: int, times: int
) -> None:
    times = min(times, token_limit, org_limit)
    token_spent, org_spent = drained(token_spent, token_limit, 0), drained(org_spent, org_limit, 0)
    taken = take([(token_spent, token_limit), (org_spent, org_limit)], times)
    room = remaining(token_spent, token_limit) >= times and remaining(org_spent, org_limit) >= times
    assert (taken.retry_after == 0) == room
    if room:
        token_left, org_left = remaining(token_spent, token_limit) - times, remaining(org_spent, org_limit) - times
        assert taken.remaining == min(token_left, org_left)
        assert taken.limit == (token_limit if token_left <= org_left else org_limit)
    else:
        longer = max(wait(token_spent, token_limit, times), wait(org_spent, org_limit, times))
        assert taken.retry_after == -(-longer // MICROSECONDS) >= 1
        assert taken.remaining < times


@pytest.mark.parametrize("make", STORES)
@given(
    token=st.integers(1, 40),
    org=st.integers(1, 40),
    calls=st.lists(st.tuples(pauses, st.sampled_from("ab")), max_size=150),
)
def test_no_window_ever_admits_more_than_burst_and_rate(
    make: Any, token: int, org: int, calls: list[tuple[int, str]]
) -> None:
    clock = Clock()
    store, admitted = make(clock), []
    for pause, token_id in calls:
        clock.at += pause
        if not run(store, token=token, org=org, token_id=token_id).retry_after:
            admitted.append((clock.at, token_id))
    for who, limit in (("a", token), ("b", token), ("ab", org)):
        mine = [at for at, token_id in admitted if token_id in who]
        for first, since in enumerate(mine):
            for last, until in enumerate(mine[first:], first):
                assert last - first + 1 <= limit + Fraction(limit * (until - since), MINUTE)


@pytest.mark.parametrize("make", STORES)
@given(token=st.integers(1, 30), org=st.integers(1, 30), refusals=st.integers(1, 50), pause=pauses)
def test_a_refusal_takes_nothing_from_either(make: Any, token: int, org: int, refusals: int, pause: int) -> None:
    clock = Clock()
    asked, left_alone = make(clock), make(clock)
    for store in (asked, left_alone):
        while not run(store, token=token, org=org).retry_after:
            pass
    for _ in range(refusals):
        assert run(asked, token=token, org=org).retry_after
    clock.at += pause
    assert run(asked, token=token, org=org) == run(left_alone, token=token, org=org)


@pytest.mark.parametrize("make", STORES)
@given(
    token=st.integers(1, 30),
    org=st.integers(1, 30),
    asked=st.lists(st.tuples(pauses, st.integers(1, 30)), max_size=20),
)
def test_many_at_once_take_what_as_many_one_by_one_do(
    make: Any, token: int, org: int, asked: list[tuple[int, int]]
) -> None:
    clock = Clock()
    at_once, one_by_one = make(clock), make(clock)
    for pause, times in asked:
        clock.at += pause
        taken = run(at_once, token=token, org=org, times=min(times, token, org))
        if not taken.retry_after:
            assert [run(one_by_one, token=token, org=org) for _ in range(min(times, token, org))][-1] == taken


@pytest.mark.parametrize("make", STORES)
def test_a_full_burst_then_an_even_refill(make: Any) -> None:
    clock = Clock()
    store = make(clock)
    answers = [run(store, token=60, org=1000) for _ in range(61)]
    assert [one.remaining for one in answers[:60]] == list(range(59, -1, -1))
    assert answers[0] == Taken(60, 59, 1)
    assert answers[59] == Taken(60, 0, 60)
    assert answers[60] == Taken(60, 0, 60, 1)
    clock.at += MICROSECONDS - 1
    assert run(store, token=60, org=1000).retry_after == 1
    clock.at += 1
    assert run(store, token=60, org=1000) == Taken(60, 0, 60)
    clock.at += 60 * MICROSECONDS
    assert run(store, token=60, org=1000) == Taken(60, 59, 1)


@pytest.mark.parametrize("make", STORES)
def test_the_token_is_told_on_a_tie_and_the_longer_wait_where_both_refuse(make: Any) -> None:
    clock = Clock()
    store = make(clock)
    assert [run(store, token=3, org=3, token_id=one).limit for one in ("a", "b")] == [3, 3]
    assert run(store, token=60, org=3, token_id="c").remaining == 0
    assert run(store, token=60, org=3, token_id="d") == Taken(3, 0, 60, 20)
    assert run(store, token=1, org=3, token_id="a") == Taken(1, 0, 60, 60)


@pytest.mark.parametrize("make", STORES)
def test_a_changed_limit_acts_at_once(make: Any) -> None:
    clock = Clock()
    store = make(clock)
    for _ in range(10):
        assert not run(store, token=10, org=100).retry_after
    assert run(store, token=10, org=100).retry_after
    assert run(store, token=20, org=100) == Taken(20, 9, 33)
    lowered = run(store, token=5, org=100)
    assert (lowered.limit, lowered.remaining, lowered.retry_after) == (5, 0, 12)
    clock.at += MINUTE
    assert [run(store, token=5, org=100).remaining for _ in range(6)] == [4, 3, 2, 1, 0, 0]


def test_full_buckets_are_forgotten_and_others_are_not() -> None:
    clock = Clock()
    store = MemoryBuckets(clock, sweep_at=10)
    for number in range(100):
        run(store, token=600, org=100_000, token_id=f"t{number}")
        clock.at += MINUTE // 600
        assert len(store._buckets) <= 10
    for _ in range(600):
        run(store, token=600, org=100_000)
    for number in range(50):
        run(store, token=600, org=100_000, token_id=f"u{number}")
    assert run(store, token=600, org=100_000).retry_after
