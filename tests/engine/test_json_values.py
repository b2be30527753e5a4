"""Equality of JSON values, numbers exactly."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.json_values import MISSING, equal, freeze
from tests import naive
from tests.strategies import values

numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)


@given(values, values)
def test_equality_is_the_naive_one(left: Any, right: Any) -> None:
    assert equal(left, right) is naive.equal(left, right)
    assert equal(left, left)


@given(numbers, numbers)
def test_numbers_are_compared_exactly(left: float, right: float) -> None:
    assert equal(left, right) is naive.equal(left, right)
    assert not equal(left, left > right)


@given(st.integers(-(2**53), 2**53))
def test_an_integer_equals_its_double(number: int) -> None:
    assert equal(number, float(number))
    assert equal([number], [float(number)])
    assert equal({"n": number}, {"n": float(number)})


def test_what_is_beyond_a_double_is_told_apart() -> None:
    assert not equal(2**53 + 1, float(2**53))
    assert not equal(2**64 - 1, float(2**64))
    assert equal(2**63, float(2**63))


def test_booleans_are_no_numbers_at_any_depth() -> None:
    assert not equal(True, 1)
    assert not equal([False], [0])
    assert not equal({"a": [True]}, {"a": [1.0]})
    assert not equal([], {})


def test_missing_equals_nothing_but_itself() -> None:
    assert not any(equal(MISSING, value) for value in (None, False, 0, "", [], {}))
    assert freeze(MISSING) is MISSING
    assert repr(MISSING) == "MISSING"
