"""A thread for what would hold up everybody else on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_RESULT = TypeVar("_RESULT")


class WorkerThread:
    """One thread, so that the loop never waits for more than one other; what it is given is done in turn."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="aside")

    async def __call__(self, work: Callable[[], _RESULT]) -> _RESULT:
        """The result of `work`, which shares with the loop only what nobody changes."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Nothing that waits is begun any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
