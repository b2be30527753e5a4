"""When a flag or config counts as stale, and what there is to do about it.

`staleness` decides it of what is known of one; `store.usage.is_stale` is the same as a condition of a query.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

DEFAULT_STALE_DAYS = 30
MAX_STALE_DAYS = 365


class StaleReason(StrEnum):
    """Why something is stale."""

    NOT_EVALUATED = "not_evaluated"
    ONE_VALUE = "one_value"


class Known(NamedTuple):
    """What is known of a flag or config in an environment: since when both are there, whether it is meant to stay, when
    it was evaluated last, and since when all evaluations have had one value."""

    made_at: datetime
    permanent: bool
    last_at: datetime | None = None
    value_since: datetime | None = None


class Staleness(NamedTuple):
    """`since` is when it was last of use, `days` how long ago that is, and `advice` one sentence. All are None for what
    is not stale."""

    stale: bool
    reason: StaleReason | None = None
    since: datetime | None = None
    days: int | None = None
    advice: str | None = None


FRESH = Staleness(stale=False)


def stale_before(now: datetime, days: int) -> datetime:
    """What has been of no use since then or longer is stale."""
    return now - timedelta(days=days)


def staleness(known: Known, now: datetime, days: int) -> Staleness:
    """Whether nothing has evaluated it for so many days, or everyone has got one value for as long.

    What is meant to stay is never stale, and neither is what is not that old.
    """
    before = stale_before(now, days)
    if known.permanent or known.made_at > before:
        return FRESH
    if known.last_at is None:
        return _stale(StaleReason.NOT_EVALUATED, known.made_at, now, _NEVER)
    if known.last_at <= before:
        return _stale(StaleReason.NOT_EVALUATED, known.last_at, now, _NOT_EVALUATED)
    if known.value_since is not None and known.value_since <= before:
        return _stale(StaleReason.ONE_VALUE, known.value_since, now, _ONE_VALUE)
    return FRESH


_OR_PERMANENT = "or mark it as permanent if it is meant to stay"
_NEVER = f"Nothing has evaluated it here since it was created {{}} days ago: delete it, {_OR_PERMANENT}."
_NOT_EVALUATED = (
    "Nothing has evaluated it here for {} days: if no code asks for it in any environment, delete it, "
    f"{_OR_PERMANENT}."
)
_ONE_VALUE = (
    f"Everyone has got the same value for {{}} days: put the value into the code and then delete it, {_OR_PERMANENT}."
)


def _stale(reason: StaleReason, since: datetime, now: datetime, advice: str) -> Staleness:
    days = (now - since).days
    return Staleness(stale=True, reason=reason, since=since, days=days, advice=advice.format(days))


class TokenRefusal(NamedTuple):
    """What a request with a token was refused with."""

    code: str
    at: datetime
    request_id: str
