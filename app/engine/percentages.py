"""Percentages in whole hundredths: 12.5 is 1,250 of 10,000."""

from decimal import Decimal
from typing import Any, Final

from app.engine.faults import FaultPath
from app.engine.json_values import NUMBERS

WHOLE: Final = 10_000
"""A hundred percent in hundredths."""


def parse_percent(value: Any, where: FaultPath) -> int | None:
    """`value` in hundredths; None, with a fault, if it is not a number from 0 to 100 with at most two decimal places.

    The decimal places of a double are those of its shortest text: 0.07 has two.
    """
    if type(value) not in NUMBERS:
        where.add("Must be a number.")
        return None
    if not 0 <= value <= 100:  # noqa: PLR2004
        where.add("Must be between 0 and 100.")
        return None
    hundredths = Decimal(repr(value)) * 100
    if hundredths % 1:
        where.add("Must have at most two decimal places.")
        return None
    return int(hundredths)
