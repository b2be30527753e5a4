"""An instance for each test: its own database, its own app, in this process."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from app.main import create_app, open_node
from app.settings import Settings
from tests.clients import Api, GraphQLApi, RestApi
from tests.factories import Instance

CLAIM_CODE = "claim-code-of-the-tests"
TRANSPORTS: dict[str, type[Api]] = {"rest": RestApi, "graphql": GraphQLApi}


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is up to date, to copy from: migrations run once a worker."""
    folder = tmp_path_factory.mktemp("migrated")

    async def migrate() -> None:
        node = await open_node(Settings(data_dir=folder, claim_code=CLAIM_CODE))
        await node.database.close()

    asyncio.run(migrate())
    return folder / "signalbox.db"


@pytest.fixture
def settings(tmp_path: Path, migrated: Path) -> Settings:
    """The settings of this test's instance."""
    shutil.copy(migrated, tmp_path / "signalbox.db")
    return Settings(data_dir=tmp_path, claim_code=CLAIM_CODE)


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
    cookies = {} if cookie is None else {"signalbox_session": cookie}
    return httpx2.AsyncClient(transport=transport, base_url="http://signalbox.test", cookies=cookies)


@pytest.fixture(params=TRANSPORTS)
async def instance(request: pytest.FixtureRequest, app: Starlette) -> AsyncIterator[Instance]:
    """The instance as its people see it, over each transport in turn."""
    made = Instance(app, TRANSPORTS[request.param], client_of)
    yield made
    await made.close()
