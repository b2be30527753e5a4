"""Standard error as the file of the log: lines are collected, and written at the end of the event loop's turn."""

import asyncio
import atexit
import os
import select
import stat
import threading
import time
from contextlib import suppress

import structlog

MAX_WAITING = 1024 * 1024  # bytes that nobody reads
RETRY_SECONDS = 0.05
PATIENCE_SECONDS = 1.0  # when the process ends
log = structlog.get_logger()


class Output:
    """Writes lines to a file in the order in which they came. It never raises, and never waits for a slow reader.

    A line is written at once if it is `urgent`, or if no event loop runs in its thread. What a pipe does not take is
    kept and tried again later; beyond a limit lines are lost, which the log says. What a closed one refuses is dropped.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._waiting = bytearray()
        self._lost = 0
        self._poll: select.poll | None = None
        self._is_known = self._tries_again = False

    def write(self, line: str, *, urgent: bool = False) -> None:
        """A line with its end."""
        self._lines.append(line)
        if urgent:
            self.flush()
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if len(self._lines) == 1:
            loop.call_soon(self.flush)

    def flush(self, patience: float = 0) -> None:
        """Writes what can be written now, or within so many seconds."""
        with self._lock:
            number = len(self._lines)  # other threads add some meanwhile
            new = "".join(self._lines[:number]).encode("utf-8", "backslashreplace")
            del self._lines[:number]
            if len(self._waiting) > MAX_WAITING:
                self._lost += number
            else:
                self._waiting += new
            self._write_waiting(time.monotonic() + patience if patience else 0)
            lost, waits = self._lost, bool(self._waiting)
            if not waits:
                self._lost = 0
        if waits and not self._tries_again:
            with suppress(RuntimeError):  # without a loop, with the next line
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._try_again)
                self._tries_again = True
        elif lost and not waits:
            log.warning("lines of the log are lost, because nobody has read it", lines=lost)

    def _try_again(self) -> None:
        self._tries_again = False
        self.flush()

    def _write_waiting(self, until: float) -> None:
        try:
            while self._waiting and self._has_room(until):
                piece = self._waiting if self._poll is None else self._waiting[: select.PIPE_BUF]
                del self._waiting[: os.write(self._descriptor, piece)]
        except BlockingIOError:
            return
        except OSError:
            self._waiting.clear()

    def _has_room(self, until: float) -> bool:
        """Whether a write of a piece does not wait. One to a disk never does."""
        if not self._is_known:
            self._is_known = True
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                self._poll = select.poll()
                self._poll.register(self._descriptor, select.POLLOUT)
        return self._poll is None or bool(self._poll.poll(max(0, until - time.monotonic()) * 1000 if until else 0))


STDERR = Output(2)
atexit.register(STDERR.flush, PATIENCE_SECONDS)
