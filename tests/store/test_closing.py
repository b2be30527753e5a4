"""When SQLite is closed, no thread of a connection is left: what it has to tell would find the loop closed."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.util import greenlet_spawn

from app.store.engines.sqlite import Sqlite
from app.store.engines.sqlite_driver import Driver


@pytest.fixture
def engine() -> str:
    """Only SQLite's connections have threads."""
    return "sqlite"


class Barrier:
    """Something that a thread comes to, and where it is held until it is let go."""

    def __init__(self) -> None:
        self._come, self._let_go = threading.Event(), threading.Event()

    def pass_through(self) -> int:
        self._come.set()
        self._let_go.wait()
        return 1

    async def wait(self) -> None:
        await asyncio.to_thread(self._come.wait)

    def let_go(self) -> None:
        self._let_go.set()


@pytest.fixture
def barrier() -> Iterator[Barrier]:
    barrier = Barrier()
    yield barrier
    barrier.let_go()


@pytest.fixture
def left_behind() -> Callable[[], list[threading.Thread]]:
    """The threads that the test has started and that have not ended; the loop's own pool does not count."""
    before = set(threading.enumerate())
    return lambda: [one for one in {*threading.enumerate()} - before if not one.name.startswith("asyncio_")]


async def read(database: Sqlite, barrier: Barrier) -> None:
    """Reads, and is held in the middle of the statement."""
    async with database.reading() as session:
        raw = await (await session.connection()).get_raw_connection()
        driver: Any = raw.dbapi_connection
        await driver.driver_connection.create_function("held", 0, barrier.pass_through)
        await session.execute(text("SELECT held()"))


@pytest.mark.parametrize("cancels", [0, 1, 2])
async def test_closing_waits_for_a_statement_whoever_has_left_it(
    tmp_path: Path, barrier: Barrier, left_behind: Callable[[], list[threading.Thread]], cancels: int
) -> None:
    database = Sqlite(tmp_path / "one.db")
    reading = asyncio.create_task(read(database, barrier))
    await barrier.wait()
    for _ in range(cancels):
        reading.cancel()
        await asyncio.sleep(0)
    closing = asyncio.create_task(database.close())
    await asyncio.wait([closing], timeout=0.05)
    assert not closing.done()
    assert left_behind()
    barrier.let_go()
    await closing
    assert left_behind() == []
    async with asyncio.timeout(5):
        await asyncio.gather(reading, return_exceptions=True)


async def test_closing_waits_for_a_connection_whose_caller_left_while_it_was_opened(
    barrier: Barrier, left_behind: Callable[[], list[threading.Thread]]
) -> None:
    class Slow(sqlite3.Connection):
        def __init__(self, *args: object, **options: object) -> None:
            barrier.pass_through()
            super().__init__(*args, **options)  # type: ignore[arg-type]

    driver = Driver()
    opening = asyncio.create_task(greenlet_spawn(driver.connect, ":memory:", factory=Slow))
    await barrier.wait()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    closing = asyncio.create_task(driver.close())
    await asyncio.wait([closing], timeout=0.05)
    assert not closing.done()
    assert left_behind()
    barrier.let_go()
    await closing
    assert left_behind() == []


async def test_who_comes_after_the_closing_opens_nothing(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "one.db")
    await database.close()
    with pytest.raises(ConnectionError):
        async with database.reading() as session:
            await session.execute(text("SELECT 1"))
