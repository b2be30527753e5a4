"""The worker: jobs fail, wait and are woken each on its own, and the end waits for what is going on."""

import asyncio

import structlog

from app.domain.errors import AppError
from app.jobs.worker import Job, working

HOUR = 3600.0


async def test_a_job_that_fails_holds_no_other_up() -> None:
    ran = asyncio.Event()

    async def broken() -> float:
        raise ZeroDivisionError

    async def refused() -> float:
        raise AppError("unavailable", "The database cannot serve now.")

    async def sound() -> float:
        ran.set()
        return HOUR

    with structlog.testing.capture_logs() as logs:
        async with working([Job("broken", broken), Job("refused", refused), Job("sound", sound)]):
            await ran.wait()
    assert [(line["job"], line["log_level"]) for line in logs] == [("broken", "error"), ("refused", "warning")]


async def test_a_job_runs_when_it_is_woken() -> None:
    runs: asyncio.Queue[int] = asyncio.Queue()

    async def run() -> float:
        runs.put_nowait(1)
        return HOUR

    job = Job("job", run, first_pause=HOUR)
    async with working([job]):
        assert runs.empty()
        for _ in range(3):
            job.wake.set()
            await runs.get()


async def test_the_end_waits_for_a_job_that_is_at_work_and_begins_no_other_run() -> None:
    begun, go_on, events = asyncio.Event(), asyncio.Event(), []

    async def run() -> float:
        begun.set()
        await go_on.wait()
        events.append("finished")
        return 0.0

    async with working([Job("job", run)]):
        await begun.wait()
        asyncio.get_running_loop().call_soon(go_on.set)
    assert events == ["finished"]


async def test_a_job_that_does_not_end_is_cut_off() -> None:
    begun, ended = asyncio.Event(), []

    async def run() -> float:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            ended.append("cut off")
        return 0.0

    async with working([Job("job", run)], stop_seconds=0.01):
        await begun.wait()
    assert ended == ["cut off"]


async def test_what_a_job_leaves_for_the_end_is_done_then() -> None:
    done = []

    async def run() -> float:
        done.append("run")
        return HOUR

    async def finish() -> None:
        done.append("finish")

    async def fail() -> None:
        raise ZeroDivisionError

    with structlog.testing.capture_logs() as logs:
        async with working([Job("broken", run, HOUR, at_end=fail), Job("job", run, HOUR, at_end=finish)]):
            assert done == []
    assert done == ["finish"]
    assert [line["job"] for line in logs] == ["broken"]
