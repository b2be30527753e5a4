"""Which bucket of 10,000 an id falls into.

The algorithm is published, and SDKs implement it too: MurmurHash3_x86_32 (Austin Appleby) of UTF-8 text, seed 0,
unsigned.
"""

from decimal import Decimal
from typing import Any

from mmh3 import hash as murmur3_x86_32

from app.engine.json_values import NUMBERS
from app.engine.percentages import WHOLE

_HASHES = 2**32


def hash_of(text: str) -> int:
    return murmur3_x86_32(text, 0, False)


def bucket_of(text: str) -> int:
    """The bucket of `text`, from 0 to 9,999."""
    return hash_of(text) * WHOLE // _HASHES


def hash_limit(threshold: int) -> int:
    """The smallest hash whose bucket is at least `threshold` (hundredths of a percent)."""
    return -(-threshold * _HASHES // WHOLE)


def rollout_prefix(seed: str) -> str:
    """The text before the id in what a `rolloutPercent` hashes."""
    return f"{seed}:"


def split_prefix(seed: str) -> str:
    """The text before the id in what a `split` hashes."""
    return f"{seed}:split:"


def id_text(value: Any) -> str | None:
    """A context's value as an id: a string unchanged, a number by `number_text`, anything else None."""
    if isinstance(value, str):
        return value
    if type(value) not in NUMBERS:
        return None
    return number_text(value)


def number_text(number: float) -> str:
    """The shortest decimal text that parses to `number`, without exponent: 1.0 is `1`, -0 is `0`."""
    if isinstance(number, int):
        return str(number)
    digits = f"{Decimal(repr(number)):f}".removesuffix(".0")
    return "0" if digits == "-0" else digits
