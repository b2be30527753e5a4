"""The right of one server to answer from memory, which ends by itself.

Whoever has the database's lock may lose it without a word: the database restarts, a connection breaks, a file is
deleted. So having seen the lock counts for `LEASE_SECONDS`, and whoever gets the lock waits for longer than that before
it reads anything: no two servers ever serve at one moment, however long the first one stands still.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from app.domain.errors import AppError

CHECK_SECONDS = 0.3
LEASE_SECONDS = 1.0
TAKEOVER_SECONDS = 1.25  # the lease, and a margin for clocks that run at different speeds
PATIENCE_SECONDS = 1.0
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def seconds() -> float:
    """Grows by one a second, also while the machine sleeps where that can be known."""
    return time.clock_gettime(_CLOCK)


class ServingLock(Protocol):
    """What one server has of a database, and may lose."""

    contested: bool
    """Whether an earlier holder may be running still, and may not know yet that it has lost the lock."""

    @property
    def broken(self) -> bool:
        """Whether it is known to be lost, without asking."""

    async def is_held(self) -> bool:
        """Asks. May take its time."""

    async def release(self) -> None:
        """Can be called twice."""


class Lease:
    """`began` is when the lock was asked for."""

    def __init__(self, lock: ServingLock, began: float, clock: Callable[[], float] = seconds) -> None:
        self.lost = asyncio.Event()
        self._lock = lock
        self._clock = clock
        self._until = began + LEASE_SECONDS
        self._renewed = asyncio.Event()

    @property
    def is_valid(self) -> bool:
        return self._clock() < self._until and not self._lock.broken

    async def require(self) -> None:
        """Raises `unavailable` where another server may have taken over. Waits a moment for a check that is late."""
        if not self.is_valid and not self.lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._renewed.wait()
        if not self.is_valid:
            raise AppError("unavailable", "This server has lost its lock on the database, and is getting it back.")

    async def keep(self) -> None:
        """Renews the lease until it is lost. A late answer is good: what has the lock now had it all the time."""
        try:
            while await self._renew():  # noqa: ASYNC110
                await asyncio.sleep(CHECK_SECONDS)
        finally:
            self._until = 0.0
            self.lost.set()
            self._wake()
            await self._lock.release()  # what is left of it would be in the way of a new one

    async def _renew(self) -> bool:
        asked = self._clock()
        if not await self._lock.is_held():
            return False
        self._until = asked + LEASE_SECONDS
        self._wake()
        return True

    def _wake(self) -> None:
        self._renewed.set()
        self._renewed.clear()
