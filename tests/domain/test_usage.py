"""When something is stale, at the boundaries."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.usage import Known, StaleReason, staleness

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
THEN = NOW - timedelta(days=30)
LONG_AGO = NOW - timedelta(days=300)
RECENTLY = NOW - timedelta(days=1)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (Known(THEN, permanent=False), StaleReason.NOT_EVALUATED),
        (Known(THEN + INSTANT, permanent=False), None),
        (Known(THEN, permanent=True), None),
        (Known(LONG_AGO, permanent=False, last_at=THEN), StaleReason.NOT_EVALUATED),
        (Known(LONG_AGO, permanent=False, last_at=THEN + INSTANT), None),
        (Known(LONG_AGO, permanent=False, last_at=NOW, value_since=THEN), StaleReason.ONE_VALUE),
        (Known(LONG_AGO, permanent=False, last_at=NOW, value_since=THEN + INSTANT), None),
        (Known(LONG_AGO, permanent=True, last_at=NOW, value_since=THEN), None),
        (Known(LONG_AGO, permanent=False, last_at=LONG_AGO, value_since=LONG_AGO), StaleReason.NOT_EVALUATED),
        (Known(RECENTLY, permanent=False, last_at=NOW, value_since=LONG_AGO), None),
    ],
)
def test_it_takes_the_whole_time(known: Known, reason: StaleReason | None) -> None:
    found = staleness(known, NOW, 30)
    assert (found.stale, found.reason) == (reason is not None, reason)
    assert (found.since is None) is (found.days is None) is (found.advice is None) is (reason is None)
    if found.stale:
        assert found.days is not None
        assert found.days >= 30
        assert f"{found.days} days" in str(found.advice)
