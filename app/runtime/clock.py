"""The time, as the process sees it. Tests hand the app a clock that they set."""

import asyncio
import time
from datetime import UTC, datetime


class Clock:
    """`now` and `posix` are the wall's, `monotonic` (in seconds) for what is measured."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def posix(self) -> float:
        """The same as `now`, in seconds."""
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def timeout(self, seconds: float) -> asyncio.Timeout:
        """Raises TimeoutError if what it surrounds takes longer."""
        return asyncio.timeout(seconds)


SYSTEM_CLOCK = Clock()
