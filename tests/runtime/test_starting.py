"""Starting: two nodes at one moment make one instance, and a start that fails leaves nothing open."""

import asyncio

import pytest
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.domain.ids import digest, new_request_id
from app.main import create_app, open_database, open_node
from app.models import Instance
from app.runtime.node import Node
from app.services import instance
from app.settings import Settings
from tests.conftest import CLAIM_CODE


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


async def test_who_starts_a_moment_too_late_reads_what_the_other_made(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await open_node(settings)
    key = await start(node)

    async def nothing_yet(_: AsyncSession) -> None:
        return None

    monkeypatch.setattr("app.store.instance.find", nothing_yet)
    assert await start(node) == key
    async with node.database.reading() as session:
        row = (await session.execute(select(Instance))).scalar_one()
    assert row.claim_code_hash == digest(CLAIM_CODE)
    await node.close()


@pytest.mark.parametrize(
    "broken_part", ["app.services.instance.prepare", "app.main.surfaces", "app.main.transport_for"]
)
async def test_a_start_that_fails_closes_the_database(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, broken_part: str
) -> None:
    database, closed = open_database(settings), []
    close = database.close

    async def closing() -> None:
        closed.append(database)
        await close()

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(database, "close", closing)
    monkeypatch.setattr("app.main.open_database", lambda _: database)
    monkeypatch.setattr(broken_part, broken)
    app = create_app(settings)
    with pytest.raises(ZeroDivisionError):
        async with app.router.lifespan_context(app):
            pass
    assert closed == [database]
