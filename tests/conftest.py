"""An instance for each test: its own database, its own app, in this process."""

import asyncio
import gc
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from starlette.applications import Starlette

from app.main import create_app, open_node
from app.settings import LogFormat, Mode, Settings
from tests import conformance, examples, postgres, refusals, selection, servers
from tests.clients import Api, GraphQLApi, RestApi
from tests.clock import SetClock
from tests.factories import Instance, Org, Seeded, Workspace
from tests.mailbox import told

CLAIM_CODE = "claim-code-of-the-tests"
TRANSPORTS: dict[str, type[Api]] = {"rest": RestApi, "graphql": GraphQLApi}
Fill = Callable[[Instance, Workspace], Awaitable[Any]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What CI asks for."""
    parser.addoption("--all", action="store_true", help="run each behaviour test on both transports and both databases")


def pytest_configure(config: pytest.Config) -> None:
    """The markers of our own, and how much Hypothesis tries."""
    examples.configure(config)
    # By default a traceback is drawn with all that its variables hold, which takes seconds.
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], console])
    config.addinivalue_line(
        "markers", "raises_codes(*codes, on=None): meets each code on the transport `on`, or on the one it runs over"
    )
    config.addinivalue_line(
        "markers", "filled(by): begins where the function left the workspace's instance; what it gave is `found`"
    )
    config.addinivalue_line(
        "markers", "all_pairs: about locks and races, and so always run on both transports and both databases"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Not all pairs of transport and database are run on each push."""
    selection.select(config, items)


def pytest_collection_finish() -> None:
    """What is imported and collected stays for good: the collector need not look through it in every test."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that is marked `raises_codes` and did not meet its codes has failed."""
    refusals.SEEN.clear()
    yield
    assert not (unmet := refusals.missing(item)), f"marked with codes that it did not meet: {unmet}"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is up to date, to copy from: migrations run once a worker."""
    folder = tmp_path_factory.mktemp("migrated")

    asyncio.run(_migrate(Settings(data_dir=folder, claim_code=CLAIM_CODE)))
    return folder / "signalbox.db"


@pytest.fixture(scope="session")
def seeded(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """A database that holds the workspace, to copy from: most tests begin there."""
    folder = tmp_path_factory.mktemp("seeded")
    shutil.copy(migrated, folder / "signalbox.db")
    workspace = asyncio.run(_seed(Settings(data_dir=folder, claim_code=CLAIM_CODE)))
    return Seeded(folder / "signalbox.db", workspace)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[postgres.KeptDatabase, Workspace]]:
    """A PostgreSQL database that knows the contents `migrated` and `seeded`, and the workspace of the latter."""
    with servers.postgres() as server_address:
        database = postgres.KeptDatabase(server_address)
        folder = tmp_path_factory.mktemp("server")
        settings = Settings(data_dir=folder, claim_code=CLAIM_CODE, database_url=database.address)
        asyncio.run(_migrate(settings))
        database.keep("migrated")
        workspace = asyncio.run(_seed(settings))
        database.keep("seeded")
        yield database, workspace
        database.close()


@pytest.fixture(scope="session")
def filled_file(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Fill], tuple[Path, Any]]:
    """A database that a function filled, to copy from, and what the function gave. Each is run once a worker."""

    @cache
    def filled(fill: Fill) -> tuple[Path, Any]:
        folder = tmp_path_factory.mktemp(fill.__name__)
        shutil.copy(seeded.database, folder / "signalbox.db")
        settings = Settings(data_dir=folder, claim_code=CLAIM_CODE)
        return folder / "signalbox.db", asyncio.run(_fill(settings, fill, seeded.workspace))

    return filled


@pytest.fixture(scope="session")
def filled_server(
    server: tuple[postgres.KeptDatabase, Workspace], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Fill], tuple[str, Any]]:
    """The name of the contents that a function filled the server with, and what it gave. Each is run once a worker."""
    database, workspace = server

    @cache
    def filled(fill: Fill) -> tuple[str, Any]:
        settings = Settings(
            data_dir=tmp_path_factory.mktemp(fill.__name__), claim_code=CLAIM_CODE, database_url=database.address
        )
        database.restore("seeded")
        given = asyncio.run(_fill(settings, fill, workspace))
        database.keep(fill.__name__)
        return fill.__name__, given

    return filled


async def _fill(settings: Settings, fill: Fill, workspace: Workspace) -> Any:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        instance = Instance(app, RestApi, client_of)
        given = await fill(instance, instance.over(workspace))
        await told(instance.node)
        await instance.close()
    return given


async def _migrate(settings: Settings) -> None:
    await (await open_node(settings)).database.close()


async def _seed(settings: Settings) -> Workspace:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        instance = Instance(app, RestApi, client_of)
        workspace = await instance.workspace()
        await instance.close()
    return workspace


@pytest.fixture
def engine() -> str:
    """Which database this test's instance is on."""
    return "sqlite"


@pytest.fixture
def mode() -> Mode:
    """Who may come in to this test's instance."""
    return Mode.SELF_HOSTED


@pytest.fixture
def beginning(request: pytest.FixtureRequest, engine: str) -> tuple[Path | str, Any]:
    """What is in this test's instance at first, which is empty but for tests of the `workspace`."""
    if (marker := request.node.get_closest_marker("filled")) is not None:
        filled = request.getfixturevalue("filled_file" if engine == "sqlite" else "filled_server")
        content: tuple[Path | str, Any] = filled(marker.kwargs["by"])
        return content
    template = "seeded" if "workspace" in request.fixturenames else "migrated"
    if engine != "sqlite":
        return template, None
    file = request.getfixturevalue(template)
    return (file.database if template == "seeded" else file), None


@pytest.fixture
def found(beginning: tuple[Path | str, Any]) -> Any:
    """What the function gave that filled this test's instance."""
    return beginning[1]


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, mode: Mode, beginning: tuple[Path | str, Any]
) -> Settings:
    """The settings of this test's instance."""
    content, address = beginning[0], None
    if isinstance(content, Path):
        shutil.copy(content, tmp_path / "signalbox.db")
    else:
        kept = request.getfixturevalue("server")[0]
        kept.restore(content)
        address = kept.address
    return Settings(
        data_dir=tmp_path, claim_code=CLAIM_CODE, mode=mode, database_url=address, log_format=LogFormat.JSON
    )


@pytest.fixture
def clock() -> SetClock:
    """What this test's instance takes for the time."""
    return SetClock()


@pytest.fixture
def request_lines() -> list[str]:
    """What this test's instance has logged of requests so far."""
    return []


@pytest.fixture
async def app(settings: Settings, clock: SetClock, request_lines: list[str]) -> AsyncIterator[Starlette]:
    """This test's instance, started."""
    app = create_app(settings, clock, write_line=request_lines.append)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller without credentials."""
    async with client_of(app) as client:
        yield client


def client_of(
    app: Starlette, cookie: str | None = None, token: str | None = None, address: str = "127.0.0.1"
) -> httpx2.AsyncClient:
    """A caller of the app, signed in by the cookie or with a bearer token, from the address."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 4711))
    cookies = httpx2.Cookies()
    if cookie is not None:
        cookies.set("signalbox_session", cookie, domain="signalbox.test")
    return httpx2.AsyncClient(
        transport=transport,
        base_url="http://signalbox.test",
        cookies=cookies,
        headers={} if token is None else {"Authorization": f"Bearer {token}".encode("latin-1")},
        event_hooks={"response": [refusals.check_response, conformance.check_response]},
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
async def workspace(request: pytest.FixtureRequest, instance: Instance, engine: str) -> Workspace:
    """An organisation with a project, an environment and two flags."""
    made = request.getfixturevalue("seeded").workspace if engine == "sqlite" else request.getfixturevalue("server")[1]
    return instance.over(made)
