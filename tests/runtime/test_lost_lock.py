"""A server that loses its lock on the database serves nothing from then on, until it has it again and has read anew."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx2
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from app.domain.errors import AppError
from app.main import alone, create_app, open_database
from app.models import User
from app.settings import Settings
from app.store.engines.lease import LEASE_SECONDS, TAKEOVER_SECONDS, Lease, seconds
from app.store.engines.postgres import SERVING_LOCK
from app.store.engines.sqlite import copy
from tests.clients import RestApi
from tests.clock import SetClock
from tests.conftest import CLAIM_CODE, client_of
from tests.factories import Instance, Workspace
from tests.postgres import KeptDatabase
from tests.processes import owner_of, serving

HOLDER = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = {SERVING_LOCK} AND granted"
WAITING = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {SERVING_LOCK} AND NOT granted"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    name: str = request.param
    return name


@pytest.fixture
async def app(settings: Settings, clock: SetClock) -> AsyncIterator[Starlette]:
    """An instance that keeps other servers off its database, as `serve` does."""
    async with alone(settings) as lease:
        app = create_app(settings, clock, lease)
        async with app.router.lifespan_context(app):
            yield app


@asynccontextmanager
async def robbed(instance: Instance) -> AsyncIterator[None]:
    """Takes the lock away from the instance, and keeps it meanwhile."""
    settings, lease = instance.node.settings, instance.node.database.lease
    assert lease is not None
    if settings.sqlite_path is not None:
        settings.sqlite_path.with_suffix(".lock").unlink()
        thief = await open_database(settings).lock_out_servers()
        await lease.lost.wait()
        yield
        await thief.release()
        return
    thief, other = [await asyncpg.connect(settings.database_url) for _ in range(2)]
    taking = asyncio.create_task(thief.execute(f"SELECT pg_advisory_lock({SERVING_LOCK})"))
    while not await other.fetchval(WAITING):
        pass
    await other.execute(f"SELECT pg_terminate_backend(({HOLDER}))")
    await taking
    await lease.lost.wait()
    yield
    await thief.close()
    await other.close()


async def ready(client: httpx2.AsyncClient) -> None:
    """Returns once the server is."""
    async with asyncio.timeout(20):
        while (await client.get("/readyz")).status_code != httpx2.codes.OK:
            await asyncio.sleep(0.01)


@pytest.mark.all_pairs
async def test_nothing_is_served_until_the_lock_is_held_again_and_then_anew(
    instance: Instance, workspace: Workspace, settings: Settings, client: httpx2.AsyncClient, clock: SetClock
) -> None:
    org, environment_id = workspace.org, workspace.environment_id
    node = instance.node
    assert (await workspace.evaluated("banner"))["value"] == "hello"
    async with robbed(instance):
        async with instance.unchanged():
            for refused in (
                await org.viewer.do("evaluate", environmentId=environment_id, context={}),
                await org.viewer.do("me"),
                await org.editor.do("updateFlagState", **workspace.banner, defaultValue="lost"),
                await instance.bearer("nonsense").do("evaluate", environmentId=environment_id, context={}),
            ):
                assert (refused.code, refused.status) == ("unavailable", 503)
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert (await client.get("/healthz")).status_code == httpx2.codes.OK
        second = create_app(settings, clock)
        async with second.router.lifespan_context(second):
            theirs = Instance(second, RestApi, client_of)
            await theirs.over(workspace).org.editor.make("updateFlagState", **workspace.banner, defaultValue="theirs")
            await theirs.close()
        assert (await org.viewer.do("evaluate", environmentId=environment_id, context={})).code == "unavailable"
    await ready(client)
    assert instance.node is not node
    assert (await workspace.evaluated("banner"))["value"] == "theirs"
    await org.editor.make("updateFlagState", **workspace.banner, defaultValue="ours")
    assert (await workspace.evaluated("banner"))["value"] == "ours"


async def test_a_write_that_began_before_is_not_committed_after(instance: Instance) -> None:
    before = await instance.rows()
    async with AsyncExitStack() as stack:
        uow = await stack.enter_async_context(instance.node.unit("req_test"))
        await uow.begin_write()
        uow.add(User(email="late@acme.example", email_key="late@acme.example", display_name="Late"))
        await uow.flush()
        async with robbed(instance):
            pass
        with pytest.raises(AppError, match="lost its lock"):
            await stack.aclose()
    await ready(instance.anonymous().client)
    assert await instance.rows() == before


async def test_who_takes_over_waits_for_the_writes_that_have_begun(settings: Settings) -> None:
    first, second = open_database(settings), open_database(settings)
    async with first.writing() as session:
        await session.execute(text("SELECT 1"))
        waiting = asyncio.create_task(second.await_writers())
        await asyncio.wait({waiting}, timeout=0.2)
        assert not waiting.done()
    await waiting
    for database in (first, second):
        await database.close()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_database_that_was_deleted_is_not_made_anew_but_taken_when_it_is_back(
    app: Starlette, settings: Settings, client: httpx2.AsyncClient
) -> None:
    await ready(client)
    database, kept = settings.data_dir / "signalbox.db", settings.data_dir / "kept.db"
    copy(database, kept)
    database.unlink()
    await app.state.node.database.lease.lost.wait()
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert not database.exists()
    kept.rename(database)
    await ready(client)


class Lock:
    """One that is held for as long as the test says, and is asked when the test says."""

    contested = False

    def __init__(self) -> None:
        self.broken = False
        self.answers: asyncio.Queue[bool] = asyncio.Queue()

    async def is_held(self) -> bool:
        return await self.answers.get()

    async def release(self) -> None:
        pass


async def test_a_lease_ends_by_itself_before_anybody_else_serves() -> None:
    clock = SetClock()
    lock = Lock()
    lease = Lease(lock, clock.monotonic(), clock.monotonic)
    assert lease.is_valid
    clock.ahead += timedelta(seconds=LEASE_SECONDS)
    assert not lease.is_valid
    assert TAKEOVER_SECONDS > LEASE_SECONDS


async def test_a_lease_ends_with_the_connection() -> None:
    lock = Lock()
    lease = Lease(lock, seconds())
    lock.broken = True
    assert not lease.is_valid


async def test_who_comes_while_a_check_is_late_waits_for_it() -> None:
    clock = SetClock()
    lock = Lock()
    lease = Lease(lock, clock.monotonic(), clock.monotonic)
    keeping = asyncio.create_task(lease.keep())
    clock.ahead += timedelta(seconds=10)
    asked = asyncio.create_task(lease.require())
    await asyncio.sleep(0)
    assert not asked.done()
    lock.answers.put_nowait(True)  # too late for the lease, but
    lock.answers.put_nowait(True)
    await asked
    lock.answers.put_nowait(False)
    await lease.lost.wait()
    with pytest.raises(AppError, match="lost its lock"):
        await lease.require()
    await keeping


def test_a_server_that_stood_still_serves_nothing_stale(tmp_path: Path, server: tuple[KeptDatabase, Workspace]) -> None:
    """The hardest case: it cannot have noticed anything when the first request comes."""
    server[0].restore("migrated")
    address = server[0].address
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "claim-code").write_text(CLAIM_CODE)
    with serving(folders[0], SIGNALBOX_DATABASE_URL=address) as first, owner_of(first) as owner:
        project = owner.post("/api/v1/orgs/acme/projects", json={"key": "web", "name": "Web"}).json()["id"]
        environment = {"key": "prod", "name": "Production"}
        path = f"/api/v1/envs/{owner.post(f'/api/v1/projects/{project}/environments', json=environment).json()['id']}"
        flag = {"key": "on", "type": "boolean", "defaultValue": True}
        owner.post(f"/api/v1/projects/{project}/flags", json=flag).raise_for_status()
        assert value_of(owner, path) is True
        first.process.send_signal(signal.SIGSTOP)
        asyncio.run(end_of_lock(address))
        with serving(folders[1], SIGNALBOX_DATABASE_URL=address) as second:
            with httpx2.Client(base_url=second.url, cookies=owner.cookies) as theirs:
                theirs.patch(f"{path}/flags/on", json={"defaultValue": False}).raise_for_status()
            first.process.send_signal(signal.SIGCONT)
            answer = owner.post(f"{path}/evaluate", json={"context": {}})
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        first.wait_for_log("the lock on the database is held again")
        assert owner.get("/readyz").status_code == httpx2.codes.OK
        assert value_of(owner, path) is False
        told = [line for line in first.log.splitlines() if "the lock on the database is" in line]
        assert len(told) in {2, 3}  # that it is lost, that another has it where it asked meanwhile, that it is back


def value_of(client: httpx2.Client, environment: str) -> object:
    return client.post(f"{environment}/evaluate", json={"context": {}}).json()["evaluations"]["on"]["value"]


async def end_of_lock(address: str) -> None:
    """Ends the session that holds the lock, as a restart of the database does."""
    connection = await asyncpg.connect(address)
    while (holder := await connection.fetchval(HOLDER)) is not None:
        await connection.execute("SELECT pg_terminate_backend($1)", holder)
    await connection.close()
