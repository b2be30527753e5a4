"""RFC 3339 instants as exact, comparable keys: any number of decimals, the years 0000 to 9999, leap seconds."""

import re
from datetime import UTC, date, datetime, timedelta

Instant = tuple[int, str]
"""Whole seconds, in days of 86,400, and the decimals without trailing zeros, which sort as text."""

_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_LAST_MINUTE = 23 * 60 + 59
_DAY = 24 * 60
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097  # the Gregorian calendar repeats


def instant(text: str) -> Instant | None:
    """`text` as an instant, or None.

    Second 60 is valid at 23:59 UTC only, on any day, and equals second 0 of the next minute.
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    decimals, sign, offset_hour, offset_minute = found.groups(default="0")[6:]
    days = _days(year, month, day)
    if days is None or hour > 23 or minute > 59 or int(offset_hour) > 23 or int(offset_minute) > 59:  # noqa: PLR2004
        return None
    offset = int(offset_hour) * 60 + int(offset_minute)
    minutes = hour * 60 + minute + (offset if sign == "-" else -offset)
    if second > 59 and not (second == 60 and minutes % _DAY == _LAST_MINUTE):  # noqa: PLR2004
        return None
    return (days * _DAY + minutes) * 60 + second, decimals.rstrip("0")


def _days(year: int, month: int, day: int) -> int | None:
    cycles, year_of_cycle = divmod(year, _CYCLE_YEARS)
    try:
        # RFC 3339 has a year 0, Python has not: every year is mapped to the cycle that begins with 2000.
        return date(2000 + year_of_cycle, month, day).toordinal() + cycles * _CYCLE_DAYS
    except ValueError:
        return None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_BEFORE = (_days(1970, 1, 1) or 0) * _DAY * 60
_LAST_SECOND = int((datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH).total_seconds())


def utc(text: str) -> datetime | None:
    """`text` as an instant in whole microseconds, or None. What is far from all that happens here is nearer by."""
    if (found := instant(text)) is None:
        return None
    seconds = min(max(found[0] - _SECONDS_BEFORE, 0), _LAST_SECOND)
    return _EPOCH + timedelta(seconds=seconds, microseconds=int(found[1][:6].ljust(6, "0")))


def rfc3339(at: datetime) -> str:
    """An instant in UTC with microseconds, ending in `Z`: how answers write it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
