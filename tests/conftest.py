"""An instance for each test: its own database, its own app, in this process."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx2
import pytest
from starlette.applications import Starlette

from app.main import create_app, open_node
from app.settings import Settings
from tests import refusals, servers
from tests.clients import Api, GraphQLApi, RestApi
from tests.factories import Furnished, Instance, Org, Place

CLAIM_CODE = "claim-code-of-the-tests"
TRANSPORTS: dict[str, type[Api]] = {"rest": RestApi, "graphql": GraphQLApi}


def pytest_configure(config: pytest.Config) -> None:
    """The marker that ties a test to codes of the catalogue."""
    config.addinivalue_line(
        "markers", "provokes(*codes, on=None): meets each code on the transport `on`, or on the one it runs over"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that is marked `provokes` and did not meet its codes has failed."""
    refusals.SEEN.clear()
    yield
    assert not (unmet := refusals.missing(item)), f"marked as provoking what it did not meet: {unmet}"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is up to date, to copy from: migrations run once a worker."""
    folder = tmp_path_factory.mktemp("migrated")

    asyncio.run(_migrate(Settings(data_dir=folder, claim_code=CLAIM_CODE)))
    return folder / "signalbox.db"


@pytest.fixture(scope="session")
def furnished(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """A database that holds the place, to copy from: most tests begin there."""
    folder = tmp_path_factory.mktemp("furnished")
    shutil.copy(migrated, folder / "signalbox.db")
    place = asyncio.run(_furnish(Settings(data_dir=folder, claim_code=CLAIM_CODE)))
    return Furnished(folder / "signalbox.db", place)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Place]]:
    """A PostgreSQL server with databases to copy from: `migrated`, and `furnished`, which holds the place."""
    folder = tmp_path_factory.mktemp("server")
    with servers.postgres(folder) as address:
        made = {}
        for name, prepare in (("migrated", _migrate), ("furnished", _furnish)):
            asyncio.run(_on_server(address, f"CREATE DATABASE {name}"))
            settings = Settings(data_dir=folder, claim_code=CLAIM_CODE, database_url=f"{address}/{name}")
            made[name] = asyncio.run(prepare(settings))
        yield address, made["furnished"]


async def _on_server(address: str, statement: str) -> None:
    connection = await asyncpg.connect(f"{address}/postgres")
    await connection.execute(statement)
    await connection.close()


async def _migrate(settings: Settings) -> None:
    await (await open_node(settings)).database.close()


async def _furnish(settings: Settings) -> Place:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        instance = Instance(app, RestApi, client_of)
        place = await instance.place()
        await instance.close()
    return place


@pytest.fixture
def engine() -> str:
    """Which database this test's instance is on."""
    return "sqlite"


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> Iterator[Settings]:
    """The settings of this test's instance, which is empty but for tests of the `place`."""
    template = "furnished" if "place" in request.fixturenames else "migrated"
    if engine == "sqlite":
        found = request.getfixturevalue(template)
        shutil.copy(found.database if template == "furnished" else found, tmp_path / "signalbox.db")
        yield Settings(data_dir=tmp_path, claim_code=CLAIM_CODE)
        return
    address, name = request.getfixturevalue("postgres")[0], f"t{uuid4().hex}"
    asyncio.run(_on_server(address, f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield Settings(data_dir=tmp_path, claim_code=CLAIM_CODE, database_url=f"{address}/{name}")
    asyncio.run(_on_server(address, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Starlette]:
    """This test's instance, started."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller without credentials."""
    async with client_of(app) as client:
        yield client


def client_of(app: Starlette, cookie: str | None = None) -> httpx2.AsyncClient:
    """A caller of the app, signed in by the cookie."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    cookies = httpx2.Cookies()
    if cookie is not None:
        cookies.set("signalbox_session", cookie, domain="signalbox.test")
    return httpx2.AsyncClient(
        transport=transport,
        base_url="http://signalbox.test",
        cookies=cookies,
        event_hooks={"response": [refusals.witness]},
    )


@pytest.fixture(params=TRANSPORTS)
async def instance(request: pytest.FixtureRequest, app: Starlette) -> AsyncIterator[Instance]:
    """The instance as its people see it, over each transport in turn."""
    made = Instance(app, TRANSPORTS[request.param], client_of)
    yield made
    await made.close()


@pytest.fixture
async def org(instance: Instance) -> Org:
    """An organisation with one person of each role."""
    return await instance.org()


@pytest.fixture
async def place(request: pytest.FixtureRequest, instance: Instance, engine: str) -> Place:
    """An organisation with a project, an environment and two flags."""
    made = request.getfixturevalue("furnished").place if engine == "sqlite" else request.getfixturevalue("postgres")[1]
    return instance.over(made)
