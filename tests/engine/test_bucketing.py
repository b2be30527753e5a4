"""Buckets are uniform, independent between seeds, and exact at every border."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.bucketing import bucket_of, hash_limit, id_text, number_text, rollout_prefix, split_prefix
from app.engine.faults import FaultPath
from app.engine.percentages import parse_percent
from tests.engine.rulesets import compiled
from tests.naive import identity, murmur3

PEOPLE = 20_000
TABLE = 400  # cells of each table below: 399 or 361 degrees of freedom


def chi_square(counts: list[int], expected: float) -> float:
    return sum((count - expected) ** 2 / expected for count in counts)


def test_buckets_are_uniform() -> None:
    # 511 is chi-square's 0.9999 quantile at 399 degrees of freedom; the ids are fixed, so this never flickers.
    for prefix in (rollout_prefix("checkout"), rollout_prefix("banner"), split_prefix("checkout")):
        counts = [0] * TABLE
        for person in range(PEOPLE):
            counts[bucket_of(f"{prefix}user-{person}") * TABLE // 10_000] += 1
        assert chi_square(counts, PEOPLE / TABLE) < 511


def test_seeds_and_splits_are_independent() -> None:
    prefixes = [rollout_prefix("checkout"), rollout_prefix("checkout2"), split_prefix("checkout"), rollout_prefix("s")]
    for left, right in pairwise(prefixes):
        counts = [0] * TABLE
        for person in range(PEOPLE):
            row, column = (bucket_of(f"{prefix}{person}") * 20 // 10_000 for prefix in (left, right))
            counts[row * 20 + column] += 1
        assert chi_square(counts, PEOPLE / TABLE) < 511


@given(st.integers(0, 10_000), st.text(st.characters(exclude_categories=["Cs"])))
def test_the_limit_on_the_hash_is_the_limit_on_the_bucket(threshold: int, text: str) -> None:
    assert (murmur3(text.encode()) < hash_limit(threshold)) is (bucket_of(text) < threshold)


@given(st.integers(0, 10_000))
def test_the_limit_on_the_hash_is_exact(threshold: int) -> None:
    limit = hash_limit(threshold)
    assert limit == 0 or (limit - 1) * 10_000 // 2**32 < threshold
    assert limit == 2**32 or limit * 10_000 // 2**32 >= threshold


def test_raising_a_percentage_moves_nobody_out() -> None:
    inside: set[str] = set()
    for percent in (0, 0.01, 1, 12.5, 12.51, 50, 99.99, 100):
        rules = [{"rolloutPercent": percent, "value": True}]
        ruleset = compiled({"targetIdField": "userId", "flags": {"f": {"defaultValue": False, "rules": rules}}})
        ids = [f"user-{number}" for number in range(500)]
        admitted = {name for name in ids if ruleset.call({"userId": name}).evaluate("f").value}
        assert inside <= admitted
        inside = admitted
    assert len(inside) == 500


@given(st.integers(0, 10_000))
def test_percentages_are_reckoned_in_decimals(hundredths: int) -> None:
    faults: dict[str, str] = {}
    written: list[Any] = [hundredths / 100, float(str(Decimal(hundredths) / 100))]
    if hundredths % 100 == 0:
        written.append(hundredths // 100)
    assert {parse_percent(value, FaultPath(faults, "p")) for value in written} == {hundredths}
    assert faults == {}


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**64 - 1))
def test_numbers_are_ids_in_their_shortest_decimal_text(number: float) -> None:
    text = number_text(number)
    assert type(number)(text) == number
    assert not set(text) - set("-0123456789.")
    assert text == identity(number) == id_text(number)
