"""The time that a test's instance goes by."""

import asyncio
from datetime import UTC, datetime, timedelta

from app.runtime.clock import Clock


class SetClock(Clock):
    """The system's, ahead of it by as much as the test says, or stopped. `patient` is whether it waits at all."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.stopped_at: datetime | None = None
        self.patient = True

    def now(self) -> datetime:
        return self.stopped_at or now() + self.ahead

    def posix(self) -> float:
        return self.now().timestamp()

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead.total_seconds()

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return super().timeout(seconds if self.patient else 0)


def now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)
