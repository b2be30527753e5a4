"""The composition root: builds everything once, and hands each path to its surface."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.dataplane.front import Front
from app.graphql import view, websocket
from app.graphql.pace import Turns
from app.http import metrics
from app.http.authentication import AuthenticationHeaders
from app.http.base_path import BasePath
from app.http.cors import allowing
from app.http.failures import Failures, enveloped
from app.http.methods import Methods
from app.http.output import STDERR
from app.http.request_counts import RequestCounts
from app.http.requests import Requests, info_of
from app.http.traces import tracing
from app.jobs.event_streams import event_streams_job
from app.jobs.housekeeping import housekeeping_job
from app.jobs.last_uses import last_uses_job
from app.jobs.mail import mail_job
from app.jobs.refusals import refusals_job
from app.jobs.traffic import traffic_job
from app.jobs.usage import token_usage_job, usage_job
from app.jobs.worker import working
from app.mail.transports import transport_for
from app.rest import app as rest
from app.runtime.clock import SYSTEM_CLOCK, Clock
from app.runtime.node import Node
from app.settings import Settings
from app.store import migrations
from app.store.engines import Database
from app.store.engines.lease import CHECK_SECONDS, Lease
from app.store.engines.postgres import Postgres
from app.store.engines.sqlite import Sqlite
from app.web import app as web
from app.web.pages import graphiql_page

log = structlog.get_logger()


class NoDatabase(Exception):
    """There is none where the settings say."""


def open_database(settings: Settings, *, create: bool = True) -> Database:
    """The database that the settings name. Unless it creates the file, raises NoDatabase where there is none."""
    if (path := settings.sqlite_path) is not None:
        if not create and not path.is_file():
            raise NoDatabase
        return Sqlite(path)
    return Postgres(settings.database_url or "")


async def open_node(settings: Settings, clock: Clock = SYSTEM_CLOCK, lease: Lease | None = None) -> Node:
    """Brings the database up to date and gathers what the process holds. The caller closes the node."""
    database = open_database(settings)
    database.lease = lease
    try:
        await migrations.upgrade(database)
        return await Node(settings, database, clock).open()
    except BaseException:
        await database.close()
        raise


@asynccontextmanager
async def alone(settings: Settings, *, create: bool = True) -> AsyncIterator[Lease]:
    """Keeps other servers off the database meanwhile. Raises InUse."""
    database = open_database(settings, create=create)
    try:
        async with database.alone() as lease:
            yield lease
    finally:
        await database.close()


def create_app(
    settings: Settings,
    clock: Clock = SYSTEM_CLOCK,
    lease: Lease | None = None,
    write_line: Callable[[str], None] = STDERR.write,
) -> Starlette:
    """The ASGI app. The node is opened when the server starts, for only then is there a loop to open it on.

    Without a lease nothing keeps other servers off the database. `write_line` gets the log's line of each request.
    """

    traced = tracing(os.environ)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        ready = asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(_serve(app, settings, clock, lease, ready))
        try:
            await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                await serving  # raises
            yield
        finally:
            serving.cancel()
            await asyncio.wait({serving})
            if traced is not None:
                await asyncio.to_thread(traced.close)

    def note_refusal(token_id: str, code: str, request_id: str) -> None:
        app.state.node.token_usages.note_refusal(token_id, code, request_id)

    app = Starlette(lifespan=lifespan)
    app.router.redirect_slashes = False
    inside: ASGIApp = AuthenticationHeaders(app.router)
    if settings.base_path:
        inside = BasePath(inside, settings.base_path, web.not_found_page)
    # In the place of Starlette's own stack, whose layers answer failures, as every surface does itself.
    app.middleware_stack = requests = Requests(inside, settings, write_line, note_refusal, tracing=traced)
    app.state.request_counts = requests.counts
    app.state.front = Front(requests, settings, app.state)
    return app


async def _serve(
    app: Starlette, settings: Settings, clock: Clock, lease: Lease | None, ready: asyncio.Future[None]
) -> None:
    """Keeps the app served. Once its lease is lost, what the process holds in memory is given up and read anew.

    Until then the lost lease refuses everybody who asks the old node.
    """
    async with AsyncExitStack() as held:
        node = await open_node(settings, clock, lease)
        while True:
            held.push_async_callback(node.close)
            app.state.node = node
            app.router.routes[:] = surfaces(node, app.state.request_counts)
            app.router.default = web.build(node)
            mail = mail_job(node, transport_for(settings))
            usage = usage_job(node), token_usage_job(node)
            saving = last_uses_job(node), refusals_job(node), traffic_job(node), *usage
            async with working([mail, *saving, housekeeping_job(node), event_streams_job(node)]):
                if not ready.done():
                    ready.set_result(None)
                await (asyncio.Event() if lease is None else lease.lost).wait()
            log.error("the lock on the database is lost, so nothing is served until it is held again")
            async with held.pop_all():
                lease, node = await _regain(settings, clock, held)
            log.warning("the lock on the database is held again, and everything is read anew")


async def _regain(settings: Settings, clock: Clock, held: AsyncExitStack) -> tuple[Lease, Node]:
    """A new lease, which is given back when `held` is closed, and a new node. Tries until there are both."""
    told = ""
    while True:
        async with AsyncExitStack() as attempt:
            try:
                lease = await attempt.enter_async_context(alone(settings, create=False))
                node = await open_node(settings, clock, lease)
            except Exception as fault:  # noqa: BLE001 - whatever it is, to go on trying is all there is to do
                if repr(fault) != told:
                    told = repr(fault)
                    log.info("the lock on the database is not held yet", fault=told)
            else:
                held.push_async_exit(attempt.pop_all())
                return lease, node
        await asyncio.sleep(CHECK_SECONDS)


def surfaces(node: Node, counts: RequestCounts) -> list[BaseRoute]:
    """Which surface answers which path; the pages answer the rest."""
    turns = Turns()
    probes = {"/healthz": alive, "/readyz": node.database.ping}
    return [
        *(Route(path, Failures(Probe(path, asked), enveloped)) for path, asked in probes.items()),
        Route(metrics.PATH, Failures(metrics.Metrics(node, counts), enveloped)),
        *(Mount(prefix, allowing(rest.build(node, prefix), node.settings.origins)) for prefix in rest.SURFACES),
        Route(view.PATH, allowing(view.build(node, turns, graphiql_page), node.settings.origins)),
        *websocket.routes(node, turns),
    ]


class Probe:
    """Answers `{"status": "ok"}` if its check does not raise."""

    def __init__(self, route: str, asked: Callable[[], Awaitable[None]]) -> None:
        self.route = route
        self.methods = Methods({"GET": asked})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info_of(scope).route = self.route
        response = self.methods.options_response()
        if (asked := self.methods.find(scope["method"])) is not None:
            await asked()
            response = JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
        await response(scope, receive, send)


async def alive() -> None:
    """Nothing to check: a process that answers is alive."""
