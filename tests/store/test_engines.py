"""How writers take turns on SQLite: one at a time, first come, first served, and none of them for ever."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import literal, select, text
from sqlalchemy.exc import DBAPIError

from app.domain.errors import AppError
from app.store.engines.prepared import Prepared
from app.store.engines.sqlite import READERS, Sqlite


@pytest.fixture
def engine() -> str:
    """SQLite's queue is SQLite's own."""
    return "sqlite"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Sqlite]:
    """A database with a number in it."""
    database = Sqlite(tmp_path / "one.db")
    async with database.migrating() as connection:
        await connection.execute(text("CREATE TABLE number (n INTEGER)"))
        await connection.execute(text("INSERT INTO number VALUES (0)"))
    yield database
    await database.close()


async def number(database: Sqlite) -> int:
    async with database.reading() as session:
        return int((await session.execute(text("SELECT n FROM number"))).scalar_one())


async def increase(database: Sqlite) -> None:
    async with database.writing() as session:
        before = (await session.execute(text("SELECT n FROM number"))).scalar_one()
        await session.execute(text(f"UPDATE number SET n = {before + 1}"))
        await session.commit()


async def test_a_file_that_cannot_be_read_is_an_error_each_time(tmp_path: Path) -> None:
    (tmp_path / "one.db").write_bytes(b"This is no database. " * 100)
    database = Sqlite(tmp_path / "one.db")
    prepared = Prepared(select(literal(1)))
    for _ in range(READERS + 1):
        with pytest.raises(DBAPIError):
            await number(database)
        with pytest.raises(DBAPIError):
            async with database.reading() as session:
                await prepared.rows(session)
    await database.close()


async def test_writers_queue_and_no_update_is_lost(database: Sqlite) -> None:
    await asyncio.gather(*(increase(database) for _ in range(100)))
    assert await number(database) == 100


async def test_writers_are_served_in_their_order(database: Sqlite) -> None:
    served = []

    async def write(n: int) -> None:
        async with database.writing():
            served.append(n)

    await asyncio.gather(*(write(n) for n in range(50)))
    assert served == list(range(50))


async def test_readers_do_not_wait_for_the_writer(database: Sqlite) -> None:
    async with database.writing() as session:
        await session.execute(text("UPDATE number SET n = 5"))
        async with asyncio.timeout(5):
            assert [await number(database) for _ in range(5)] == [0] * 5


async def test_a_writer_that_fails_or_leaves_gives_its_turn_back(database: Sqlite) -> None:
    async with database.writing() as holding:
        waiting = [asyncio.create_task(increase(database)) for _ in range(3)]
        await holding.execute(text("UPDATE number SET n = 5"))
        waiting[0].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await number(database) == 2
    assert waiting[0].cancelled()


async def test_a_writer_that_waits_too_long_is_told(database: Sqlite) -> None:
    database.write_wait_seconds = 0.01
    async with database.writing():
        with pytest.raises(AppError) as caught:
            await increase(database)
    assert (caught.value.code, caught.value.headers) == ("unavailable", {"Retry-After": "1"})
    await increase(database)


async def test_a_ping_says_whether_the_database_answers(database: Sqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    await database.ping()
    monkeypatch.setattr(database, "reading", lambda: (_ for _ in ()).throw(OSError("gone")))
    with pytest.raises(AppError) as caught:
        await database.ping()
    assert caught.value.code == "unavailable"


async def test_starts_at_one_moment_all_find_the_file_ready(tmp_path: Path) -> None:
    async def start(database: Sqlite) -> str:
        async with database.migrating() as connection:
            return str((await connection.execute(text("PRAGMA journal_mode"))).scalar_one())

    databases = [Sqlite(tmp_path / "new.db") for _ in range(8)]
    assert set(await asyncio.gather(*map(start, databases))) == {"wal"}
    for database in databases:
        await database.close()


async def test_commits_are_durable(database: Sqlite) -> None:
    async with database.writing() as session:
        pragmas = [
            (await session.execute(text(f"PRAGMA {name}"))).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]


async def test_a_statement_is_compiled_once_for_whoever_runs_it(database: Sqlite, tmp_path: Path) -> None:
    statement = select(literal("of this test alone"))
    another = Sqlite(tmp_path / "two.db")
    hits = []
    for opened in (database.reading(), database.writing(), another.reading()):
        async with opened as session:
            hits.append((await (await session.connection()).execute(statement)).context.cache_hit.name)
    await another.close()
    assert hits == ["CACHE_MISS", "CACHE_HIT", "CACHE_HIT"]
