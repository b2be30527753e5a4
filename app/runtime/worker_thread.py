"""A thread for what would hold up everybody else on the event loop."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import structlog

log = structlog.get_logger()
_RESULT = TypeVar("_RESULT")


class WorkerThread:
    """One thread, so that the loop never waits for more than one other; what it is given is done in turn."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="background")

    async def __call__(self, work: Callable[[], _RESULT]) -> _RESULT:
        """The result of `work`, which shares with the loop only what nobody changes."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def later(self, work: Callable[[], object]) -> None:
        """Does `work` some time, a piece of something long, and then leaves twice the time that it took to others."""

        def gently() -> None:
            began = time.perf_counter()
            try:
                work()
            except Exception:
                log.exception("background work failed")
            time.sleep(2 * (time.perf_counter() - began))

        with suppress(RuntimeError):  # closed
            self._threads.submit(gently)

    def close(self) -> None:
        """Nothing that waits is begun any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
