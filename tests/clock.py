"""The time that a test's instance goes by."""

from datetime import UTC, datetime, timedelta

from app.runtime.clock import Clock


class SetClock(Clock):
    """The system's, ahead of it by as much as the test says, or stopped."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.stopped_at: datetime | None = None

    def now(self) -> datetime:
        return self.stopped_at or now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead.total_seconds()


def now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)
