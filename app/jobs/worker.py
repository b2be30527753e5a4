"""The background worker of a process: runs each job when it is due or woken, independently of the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import structlog

from app.domain.errors import AppError

log = structlog.get_logger()
RETRY_SECONDS = 60.0
STOP_SECONDS = 5.0  # enough for any query, not for a slow mail server


@dataclass(slots=True)
class Job:
    """`run` does what is due and returns the seconds until its next run, which comes sooner if `wake` is set.

    `at_end` does what is left before the process stops.
    """

    name: str
    run: Callable[[], Awaitable[float]]
    first_pause: float = 0.0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    at_end: Callable[[], Awaitable[None]] | None = None


class Worker:
    """A run that fails is logged, and tried again after a while: what is to be done is in the database."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._stopping = False

    async def run(self) -> None:
        """Runs the job until `stop`."""
        await asyncio.gather(*map(self._repeat, self._jobs))

    def stop(self) -> None:
        """Begins no further run; what jobs do `at_end` is still done."""
        self._stopping = True
        for job in self._jobs:
            job.wake.set()

    async def _repeat(self, job: Job) -> None:
        await _sleep(job.wake, job.first_pause)
        while not self._stopping:
            job.wake.clear()
            pause = RETRY_SECONDS
            with _logged_failures(job):
                pause = await job.run()
            await _sleep(job.wake, pause)
        if job.at_end is not None:
            with _logged_failures(job):
                await job.at_end()


@contextmanager
def _logged_failures(job: Job) -> Iterator[None]:
    try:
        yield
    except AppError as refused:
        log.warning("job failed", job=job.name, error=refused.message)
    except Exception:
        log.exception("job failed", job=job.name)


async def _sleep(wake: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return


@asynccontextmanager
async def working(jobs: Sequence[Job], stop_seconds: float = STOP_SECONDS) -> AsyncIterator[None]:
    """Runs the jobs meanwhile. At the end each may finish its run, for a canceled query goes on in its thread; what
    takes longer than `stop_seconds`, such as a mail server, is cut off."""
    worker = Worker(jobs)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await asyncio.wait({task}, timeout=stop_seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
