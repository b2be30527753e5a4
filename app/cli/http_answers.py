"""What a server answers in one turn of its event loop is written together, at the turn's end."""

import asyncio
from typing import Protocol

_MOST = 32  # answers, so that none waits for long
_MOST_BYTES = 64 * 1024


class Connection(Protocol):
    """Where answers are written to."""

    def write(self, data: bytes) -> None: ...

    def is_closing(self) -> bool: ...


class Answers:
    """Of all connections.

    To wake a client that waits for its answer takes the kernel as long as to write it, or longer. A client with many
    connections, as a balancer is, is woken once for what is written together.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[Connection, bytes]] = []
        self._bytes = 0

    def write(self, loop: asyncio.AbstractEventLoop, connection: Connection, answer: bytes) -> None:
        """Writes the answer before the loop reads again. What is written or closed meanwhile has to `flush` first."""
        if not self._waiting:
            loop.call_soon(self.flush)
        self._waiting.append((connection, answer))
        self._bytes += len(answer)
        if len(self._waiting) >= _MOST or self._bytes >= _MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes what waits. Who has gone gets nothing."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        for connection, answer in waiting:
            if not connection.is_closing():
                connection.write(answer)
