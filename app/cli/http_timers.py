"""What a connection waits for, one thing at a time."""

import asyncio
from collections.abc import Callable
from functools import partial


class Timer:
    __slots__ = ("_handle", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        return self._handle is not None

    def start(self, seconds: float, call: Callable[[], object]) -> None:
        """Calls it after so many seconds, instead of what it was to call."""
        self.cancel()
        self._handle = self._loop.call_later(seconds, partial(self._ring, call))

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self, call: Callable[[], object]) -> None:
        self._handle = None
        call()
