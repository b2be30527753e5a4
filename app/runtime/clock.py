"""The time, as the process sees it. Tests hand the app a clock that they set."""

import time
from datetime import UTC, datetime


class Clock:
    """`now` is the wall's, `monotonic` (in seconds) for what is measured."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


SYSTEM_CLOCK = Clock()
