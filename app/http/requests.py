"""Every request's id, the headers that every answer has, and its one log line. Pure ASGI, outermost."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.actors import Actor, Anonymous, Member, Token
from app.domain.ids import new_request_id
from app.domain.rate_limits import Bucket
from app.engine.cidrs import Address
from app.http.addresses import LOCAL_NETWORKS, client_address
from app.http.headers import AnswerHeaders
from app.settings import Settings
from app.store.host import Client

log = structlog.get_logger()
MAX_LOGGED_ID = 200
_STARTS = {"http.response.start", "websocket.http.response.start"}


@dataclass(slots=True)
class RequestInfo:
    """What is known of a request: its id and address from the start, the rest as it is determined.

    `code` is what it was refused with.
    """

    request_id: str
    actor: Actor = field(default_factory=Anonymous)
    route: str = "unmatched"
    address: Address | None = None
    user_agent: str | None = None
    code: str | None = None
    buckets: Sequence[Bucket] = ()
    rate_headers: Sequence[tuple[bytes, bytes]] = ()
    session_cookie: bytes | None = None
    admitted: bool = False
    """Whether the caller is known, and a request of theirs is taken."""

    def client(self, browser: str | None = None) -> Client:
        """Where the call comes from, for what it does."""
        return Client(self.address, browser, self.user_agent)


def info_of(scope: Scope) -> RequestInfo:
    """The request's info, which `Requests` has set."""
    return cast(RequestInfo, scope["signalbox.request"])


class Requests:
    """Gives each request its id, binds that and the address to every log line, completes the headers of the answer,
    and logs it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.headers = AnswerHeaders(settings)
        self._log_addresses = settings.log_addresses
        self._trusted = settings.trusted_networks
        self._warns_of_proxy = not settings.trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        info = scope["signalbox.request"] = RequestInfo(new_request_id())
        info.address = client_address(scope, self._trusted)
        started, status = time.perf_counter(), 0

        async def send_completed(message: Message) -> None:
            nonlocal status
            if message["type"] in _STARTS:
                status = int(message["status"])
                message["headers"] = self.headers.complete(message["headers"], info.request_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(**self._bound(scope, info)):
            try:
                await self.app(scope, receive, send_completed)
            finally:
                milliseconds = round((time.perf_counter() - started) * 1000, 2)
                log_request(info, status, method=scope.get("method"), ms=milliseconds)

    def refused(self, client: tuple[str, int] | None, code: str, status: int) -> str:
        """Logs the refusal of what is no request, and gives it an id."""
        scope = {"client": client, "headers": ()}
        info = RequestInfo(new_request_id(), address=client_address(scope, self._trusted), code=code)
        with structlog.contextvars.bound_contextvars(**self._bound(scope, info)):
            log_request(info, status)
        return info.request_id

    def _bound(self, scope: Scope, info: RequestInfo) -> dict[str, str]:
        """What every log line of the request has."""
        bound = {"requestId": info.request_id}
        if self._log_addresses and info.address is not None:
            bound["address"] = _text_of(info.address)
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                bound["callerRequestId"] = "".join(
                    filter(str.isprintable, value[:MAX_LOGGED_ID].decode("ascii", "ignore"))
                )
            elif name == b"x-forwarded-for" and self._warns_of_proxy and info.address in LOCAL_NETWORKS:
                self._warns_of_proxy = False
                log.warning(
                    "X-Forwarded-For is ignored, so that all who come through this proxy count as one address: "
                    "name the proxy in SIGNALBOX_TRUSTED_PROXIES",
                    proxy=str(info.address),
                )
        return bound


def log_request(info: RequestInfo, status: int, **more: Any) -> None:
    """The one line of a request. Its status is 0 if the client left before the answer."""
    if info.code is not None:
        more["code"] = info.code
    if isinstance(info.actor, Token):
        more["actor"] = f"token:{info.actor.token_id}"
    elif isinstance(info.actor, Member):
        more["actor"] = f"member:{info.actor.user_id}"
    log.info("request", route=info.route, status=status, **more)


_text_of = lru_cache(4096)(str)  # all requests of a connection have the same address
