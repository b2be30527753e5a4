"""Starting: two nodes at one moment make one instance, and a start that fails leaves nothing open."""

import asyncio
import threading
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.ids import digest, new_request_id
from app.main import create_app, open_node
from app.models import Instance
from app.runtime.node import Node
from app.services import instance
from app.settings import Settings
from app.store.engines import Database
from tests.conftest import CLAIM_CODE

BROKEN: ContextVar[str | None] = ContextVar("broken", default=None)


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    name: str = request.param
    return name


async def start(node: Node) -> str:
    async with node.unit(new_request_id()) as uow:
        return (await instance.prepare(uow, node.settings)).signing_key


async def test_of_two_first_starts_at_one_moment_one_makes_the_instance(settings: Settings) -> None:
    nodes = [await open_node(settings) for _ in range(2)]
    for _ in range(5):
        async with nodes[0].database.writing() as session:
            await session.execute(delete(Instance))
            await session.commit()
        assert len(set(await asyncio.gather(*map(start, nodes)))) == 1
    for node in nodes:
        await node.close()


class StaleDatabase:
    """A database whose readers see what was there when the session began to read."""

    def __init__(self, database: Database, session: AsyncSession) -> None:
        self._database = database
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def reading(self) -> AsyncSession:
        return self._session


async def test_who_starts_a_moment_too_late_reads_what_the_other_made(settings: Settings) -> None:
    node: Any = await open_node(settings)
    async with node.database.writing() as session:
        await session.execute(delete(Instance))
        await session.commit()
    stale = node.database.reading()
    assert (await stale.execute(select(Instance))).first() is None
    key = await start(node)
    database, node.database = node.database, StaleDatabase(node.database, stale)
    assert await start(node) == key
    async with database.reading() as session:
        row = (await session.execute(select(Instance))).scalar_one()
    assert row.claim_code_hash == digest(CLAIM_CODE)
    await node.close()


class BrokenSettings(Settings):
    """Settings of which one cannot be read, once somebody says which."""

    def __getattribute__(self, name: str) -> Any:
        if name == BROKEN.get():
            raise ZeroDivisionError
        return super().__getattribute__(name)


@pytest.mark.parametrize("broken", ["max_rate_per_min", "origins", "smtp_url"], ids=["node", "surfaces", "mail"])
async def test_a_start_that_fails_closes_the_database(
    request: pytest.FixtureRequest, settings: Settings, engine: str, broken: str
) -> None:
    before = set(threading.enumerate())
    app = create_app(BrokenSettings.model_validate(settings.model_dump()))
    token = BROKEN.set(broken)
    with pytest.raises(ZeroDivisionError):
        async with app.router.lifespan_context(app):
            pass
    BROKEN.reset(token)
    if engine == "sqlite":
        assert [one.name for one in {*threading.enumerate()} - before if not one.name.startswith("asyncio_")] == []
    else:
        await asyncio.to_thread(request.getfixturevalue("server")[0].wait_until_alone)
