"""The composition root: builds everything once, and hands each path to its surface."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from app.access.paging import CursorCodec
from app.domain.ids import new_request_id
from app.graphql import view
from app.http.authentication import AuthenticationHeaders
from app.http.failures import Failures, enveloped
from app.http.methods import Methods
from app.http.origins import allowing
from app.http.requests import Requests, info_of
from app.jobs.housekeeping import housekeeping_job
from app.jobs.last_uses import last_uses_job
from app.jobs.mail import mail_job
from app.jobs.worker import working
from app.mail.transports import transport_for
from app.rest import app as rest
from app.runtime.credentials import api_key_cache, session_cache
from app.runtime.node import Caches, Node
from app.runtime.rulesets import RulesetCache
from app.services import instance
from app.settings import Settings
from app.store import migrations
from app.store.engines import Database
from app.store.engines.postgres import Postgres
from app.store.engines.sqlite import Sqlite
from app.store.unit_of_work import UnitOfWork
from app.web import app as web
from app.web.pages import graphiql_page


def open_database(settings: Settings) -> Database:
    """The database that the settings name."""
    if (path := settings.sqlite_path) is not None:
        return Sqlite(path)
    return Postgres(settings.database_url or "")


async def open_node(settings: Settings) -> Node:
    """Migrates the database and builds what the process holds. The caller closes the node."""
    database = open_database(settings)
    try:
        await migrations.upgrade(database)
        keys = api_key_cache(database, settings.max_rate_per_min)
        caches = Caches(RulesetCache(database), keys, session_cache(database))
        async with UnitOfWork(database, caches, new_request_id()) as uow:
            row = await instance.prepare(uow, settings)
    except BaseException:
        await database.close()
        raise
    return Node(settings, database, caches, CursorCodec(row.signing_key), settings.trusted_networks)


def create_app(settings: Settings) -> Starlette:
    """The ASGI app. The node is opened when the server starts, because it needs the event loop."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        node = app.state.node = await open_node(settings)
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
    app.add_middleware(Requests)
    return app


def surfaces(node: Node) -> list[BaseRoute]:
    """Which surface answers which path; the pages answer the rest."""
    return [
        Route("/healthz", Failures(Probe(alive), enveloped)),
        Route("/readyz", Failures(Probe(node.database.ping), enveloped)),
        Mount(rest.PREFIX, allowing(rest.build(node), node.settings.origins)),
        Route(view.PATH, allowing(view.build(node, graphiql_page), node.settings.origins)),
    ]


class Probe:
    """Answers `{"status": "ok"}` if its check does not raise."""

    def __init__(self, asked: Callable[[], Awaitable[None]]) -> None:
        self.methods = Methods({"GET": asked})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info_of(scope).route = scope["path"]
        response = self.methods.options_response()
        if (asked := self.methods.find(scope["method"])) is not None:
            await asked()
            response = JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})
        await response(scope, receive, send)


async def alive() -> None:
    """Nothing to check: a process that answers is alive."""
