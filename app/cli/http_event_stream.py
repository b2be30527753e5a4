"""A connection on which an answer goes on for long: all that is left of it once its head is written."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, cast

from app.cli.http_stalls import Stall

_LAST_CHUNK = b"0\r\n\r\n"
_RETRY_MS = 1_000, 10_000


class EventStream(asyncio.Protocol):
    """Writes events in chunks. What a client sends meanwhile is nothing to us; one that does not read is cut off."""

    __slots__ = ("_connections", "_loop", "_stall", "_stalled_seconds", "_transport", "is_full", "on_end", "on_room")

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        connections: set[Any],
        stalled_seconds: float,
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._connections = connections
        self._stalled_seconds = stalled_seconds
        self._stall: Stall | None = None
        self.is_full = False
        self.on_room: Callable[[], None] = _nothing
        self.on_end: Callable[[], None] = _nothing
        connections.add(self)
        transport.set_protocol(self)
        transport.resume_reading()  # to hear of its end

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        """Ends the answer. The client may ask again."""
        if not self._transport.is_closing():
            self._transport.write(_LAST_CHUNK)
            self._transport.close()
            self._watch()

    def shutdown(self) -> None:
        """The server stops: clients come back a little later, and not all at one moment."""
        self.write(b"retry: %d\n\n" % random.randint(*_RETRY_MS))  # noqa: S311
        self.end()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._connections.discard(self)
        if self._stall is not None:
            self._stall.forget()
        self.on_end()

    def pause_writing(self) -> None:
        self.is_full = True
        self._watch()

    def resume_writing(self) -> None:
        self.is_full = False
        cast(Stall, self._stall).note_reading()
        self.on_room()

    def _watch(self) -> None:
        if self._stall is None:
            self._stall = Stall(self._transport, self._loop, self._stalled_seconds)
        self._stall.watch()


def _nothing() -> None:
    """What there is to do before anybody wants to know."""
