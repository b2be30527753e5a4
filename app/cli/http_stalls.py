"""Clients that do not read what they are sent."""

import asyncio


class Stall:
    """Ends a connection once its client has read nothing of what waits for it for so many seconds."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._transport = transport
        self._loop = loop
        self._seconds = seconds
        self._next: asyncio.TimerHandle | None = None
        self._buffered, self._since = 0, 0.0

    def watch(self) -> None:
        """From now on, until nothing waits any more."""
        if self._next is None:
            self._buffered, self._since = self._transport.get_write_buffer_size(), self._loop.time()
            self._look_again()

    def note_reading(self) -> None:
        self._since = self._loop.time()

    def forget(self) -> None:
        """The connection has ended."""
        if self._next is not None:
            self._next.cancel()

    def _look_again(self) -> None:
        self._next = self._loop.call_later(self._seconds / 10, self._look)

    def _look(self) -> None:
        buffered, self._next = self._transport.get_write_buffer_size(), None
        if buffered < self._buffered:
            self._since = self._loop.time()
        self._buffered = buffered
        if self._loop.time() - self._since >= self._seconds:
            self._transport.abort()
        elif buffered:
            self._look_again()
