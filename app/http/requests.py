"""Every request's id and its one log line. Pure ASGI, outermost."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.actors import Actor, Anonymous
from app.domain.ids import new_request_id
from app.domain.rate_limits import Bucket
from app.engine.cidrs import Address
from app.store.host import Client

log = structlog.get_logger()
MAX_LOGGED_ID = 200


@dataclass(slots=True)
class RequestInfo:
    """What is known of a request: its id from the start, the rest as it is determined."""

    request_id: str
    actor: Actor = field(default_factory=Anonymous)
    route: str = "unmatched"
    address: Address | None = None
    user_agent: str | None = None
    buckets: Sequence[Bucket] = ()
    rate_headers: Sequence[tuple[bytes, bytes]] = ()
    session_cookie: bytes | None = None

    def client(self, browser: str | None = None) -> Client:
        """Where the call comes from, for what it does."""
        return Client(self.address, browser, self.user_agent)


def info_of(scope: Scope) -> RequestInfo:
    """The request's info, which `Requests` has set."""
    return cast(RequestInfo, scope["signalbox.request"])


class Requests:
    """Gives each request its id, sends it as `X-Request-Id`, binds it to every log line, and logs the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        info = scope["signalbox.request"] = RequestInfo(new_request_id())
        bound = {"requestId": info.request_id}
        if (theirs := Headers(scope=scope).get("x-request-id")) is not None:
            bound["callerRequestId"] = theirs[:MAX_LOGGED_ID]
        started, status = time.perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                MutableHeaders(scope=message)["X-Request-Id"] = info.request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(**bound):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                milliseconds = round((time.perf_counter() - started) * 1000, 2)
                log.info("request", method=scope.get("method"), route=info.route, status=status, ms=milliseconds)
