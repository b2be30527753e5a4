"""Every request's id, the headers that every answer has, and its one log line. Pure ASGI, outermost."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple, cast

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.actors import Actor, Anonymous, Token
from app.domain.ids import new_request_id
from app.domain.rate_limits import Bucket, Taken
from app.domain.tickets import Ticket
from app.engine.cidrs import Address
from app.http import logs
from app.http.addresses import LOCAL_NETWORKS, client_address
from app.http.headers import AnswerHeaders, Header
from app.http.output import STDERR
from app.http.request_counts import RequestCounts
from app.http.request_lines import renderer
from app.http.traces import Tracing
from app.settings import Settings
from app.store.host import Client

log = structlog.get_logger()
MAX_LOGGED_ID = 200
_NOBODY = Anonymous()
_STARTS = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


@dataclass(slots=True)
class RequestInfo:
    """What is known of a request: its id and address from the start, the rest as it is determined.

    `code` is what it was refused with.
    """

    request_id: str
    actor: Actor = _NOBODY
    route: str = "unmatched"
    address: Address | None = None
    logged_address: str | None = None
    caller_request_id: str | None = None
    user_agent: str | None = None
    code: str | None = None
    buckets: Sequence[Bucket] = ()
    taken: Taken | None = None
    """What is left of a token's buckets."""
    session_cookie: bytes | None = None
    ticket: Ticket | None = None
    """What the caller showed in place of credentials."""
    admitted: bool = False
    """Whether the caller is known, and a request of theirs is taken."""
    span: Any = None
    trace_id: str | None = None
    began: float = field(default_factory=time.perf_counter)

    def client(self, browser: str | None = None) -> Client:
        """Where the call comes from, for what it does."""
        return Client(self.address, browser, self.user_agent)

    def bound(self) -> dict[str, str]:
        bound = {"requestId": self.request_id}
        if self.logged_address is not None:
            bound["address"] = self.logged_address
        if self.caller_request_id is not None:
            bound["callerRequestId"] = self.caller_request_id
        if self.trace_id is not None:
            bound["traceId"] = self.trace_id
        return bound


class Sender(NamedTuple):
    """What a head says of where it comes from."""

    forwarded_for: str
    request_id: str | None
    traceparent: str | None = None

    @classmethod
    def named_in(cls, headers: Iterable[Header]) -> "Sender":
        forwarded_for, request_id, traceparent = [], None, None
        for name, value in headers:
            if name == b"x-request-id":
                request_id = "".join(filter(str.isprintable, value[:MAX_LOGGED_ID].decode("ascii", "ignore")))
            elif name == b"x-forwarded-for":
                forwarded_for.append(value.decode("latin-1"))
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
        return cls(",".join(forwarded_for), request_id, traceparent)


def info_of(scope: Scope) -> RequestInfo:
    """The request's info, which `Requests` has set."""
    return cast(RequestInfo, scope["signalbox.request"])


class Requests:
    """Gives each request its id, binds that and the address to every log line, completes the headers of the answer,
    counts and logs it: `write_line` gets the line. `note_refusal` gets the token's id, the code and the request's id
    when a token is refused."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        write_line: Callable[[str], None] = STDERR.write,
        note_refusal: Callable[[str, str, str], None] = lambda *_: None,
        counts: RequestCounts | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.app = app
        self.tracing = tracing
        self.counts = counts or RequestCounts()
        self._note_refusal = note_refusal
        self.headers = AnswerHeaders(settings)
        self._log_addresses = settings.log_addresses
        self._trusted = settings.trusted_networks
        self._warns_of_proxy = not settings.trusted_proxies
        self._write_line = write_line
        self._line = renderer(settings.log_format)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        info: RequestInfo | None = scope.get("signalbox.request")  # if the front has begun it
        if info is None:
            info = self.begin(scope.get("client"), Sender.named_in(scope["headers"]))
            scope["signalbox.request"] = info
        status = 0

        async def send_completed(message: Message) -> None:
            nonlocal status
            if message["type"] in _STARTS:
                status = message.get("status", HTTPStatus.SWITCHING_PROTOCOLS)
                message["headers"] = self.headers.complete(message["headers"], info.request_id)
            await send(message)

        present = logs.present.set(info)
        try:
            await self.app(scope, receive, send_completed)
        finally:
            logs.present.reset(present)
            self.log(info, status, scope.get("method", "GET"))

    def begin(self, client: tuple[str, int] | None, sender: Sender) -> RequestInfo:
        """What is known of a request when its head is read. `client` is the peer of its connection."""
        info = RequestInfo(new_request_id(), caller_request_id=sender.request_id)
        info.address = client_address(client and client[0], sender.forwarded_for, self._trusted)
        if self.tracing is not None:
            info.span = self.tracing.begin(sender.traceparent)
            info.trace_id = self.tracing.trace_id(info.span)
        if self._log_addresses and info.address is not None:
            info.logged_address = _text_of(info.address)
        if sender.forwarded_for and self._warns_of_proxy and info.address in LOCAL_NETWORKS:
            self._warns_of_proxy = False
            log.warning(
                "X-Forwarded-For is ignored, so that all who come through this proxy count as one address: "
                "name the proxy in SIGNALBOX_TRUSTED_PROXIES",
                proxy=str(info.address),
            )
        return info

    def log(self, info: RequestInfo, status: int, method: str | None = None) -> None:
        """The one line of a request. Its status is 0 if the client left before the answer."""
        if info.code is not None and isinstance(info.actor, Token):
            self._note_refusal(info.actor.token_id, info.code, info.request_id)
        seconds = time.perf_counter() - info.began
        self.counts.note(info.route, status, method, info.code, seconds)
        self._write_line(self._line(info, status, method, seconds))
        if self.tracing is not None:
            self.tracing.end(info, method, status)

    def refused(self, client: tuple[str, int] | None, code: str, status: int) -> str:
        """Logs the refusal of what is no request, and gives it an id."""
        info = self.begin(client, _NOBODYS)
        info.code = code
        self.log(info, status)
        return info.request_id


_NOBODYS = Sender("", None)
_text_of = lru_cache(4096)(str)  # all requests of a connection have the same address
