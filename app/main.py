"""The composition root: builds everything once, and hands each path to its surface."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from app.graphql import view
from app.http.authentication import AuthenticationHeaders
from app.http.base_path import BasePath
from app.http.cors import allowing
from app.http.failures import Failures, enveloped
from app.http.methods import Methods
from app.http.requests import Requests, info_of
from app.jobs.housekeeping import housekeeping_job
from app.jobs.last_uses import last_uses_job
from app.jobs.mail import mail_job
from app.jobs.worker import working
from app.mail.transports import transport_for
from app.rest import app as rest
from app.runtime.clock import SYSTEM_CLOCK, Clock
from app.runtime.node import Node
from app.settings import Settings
from app.store import migrations
from app.store.engines import Database
from app.store.engines.postgres import Postgres
from app.store.engines.sqlite import Sqlite
from app.web import app as web
from app.web.pages import graphiql_page


def open_database(settings: Settings) -> Database:
    """The database that the settings name."""
    if (path := settings.sqlite_path) is not None:
        return Sqlite(path)
    return Postgres(settings.database_url or "")


async def open_node(settings: Settings, clock: Clock = SYSTEM_CLOCK) -> Node:
    """Brings the database up to date and gathers what the process holds. The caller closes the node."""
    database = open_database(settings)
    try:
        await migrations.upgrade(database)
        return await Node(settings, database, clock).open()
    except BaseException:
        await database.close()
        raise


def create_app(settings: Settings, clock: Clock = SYSTEM_CLOCK) -> Starlette:
    """The ASGI app. The node is opened when the server starts, for only then is there a loop to open it on."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        node = app.state.node = await open_node(settings, clock)
        try:
            app.router.routes[:] = surfaces(node)
            app.router.default = web.build(node)
            mail = mail_job(node, transport_for(settings))
            async with working([mail, last_uses_job(node), housekeeping_job(node)]):
                yield
        finally:
            await node.close()

    app = Starlette(lifespan=lifespan)
    app.router.redirect_slashes = False
    app.add_middleware(AuthenticationHeaders)
    if settings.base_path:
        app.add_middleware(BasePath, path=settings.base_path, outside=web.nowhere)
    app.add_middleware(Requests)
    return app


def surfaces(node: Node) -> list[BaseRoute]:
    """Which surface answers which path; the pages answer the rest."""
    probes = {"/healthz": alive, "/readyz": node.database.ping}
    return [
        *(Route(path, Failures(Probe(path, asked), enveloped)) for path, asked in probes.items()),
        Mount(rest.PREFIX, allowing(rest.build(node), node.settings.origins)),
        Route(view.PATH, allowing(view.build(node, graphiql_page), node.settings.origins)),
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
