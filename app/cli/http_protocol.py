"""How uvicorn speaks HTTP: what a connection may take of us is limited in bytes and in time, in each of its phases."""

import asyncio
import resource
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, cast
from urllib.parse import unquote

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.cli.http_cycle import Cycle
from app.cli.http_stalls import Stall
from app.domain.errors import AppError
from app.http.bodies import MAX_AT_ONCE
from app.http.failures import Failures, enveloped
from app.http.requests import Requests
from app.rest.app import as_the_surface_asked
from app.settings import BadSetting, Settings

MAX_CONNECTIONS = 10_000  # unless a setting says otherwise
MAX_HEAD = 32 * 1024
MAX_LINE = 16 * 1024
MAX_HEADERS = 100
_PIECE = 4 * 1024  # what is parsed at once: so many pipelined requests can wait at most
_BODY_SECONDS = 0.02  # for which a short body is waited for before the app is asked
_INVALID = "This is not valid HTTP."


@dataclass(frozen=True)
class Limits:
    """Of connections: how many there may be, and for how many seconds each phase may last.

    So many more than `connections` are told that there are too many; what is beyond is cut off without a word.
    """

    connections: int
    refused_connections: int = 64
    head_seconds: float = 30
    refused_head_seconds: float = 2
    unread_body_seconds: float = 10
    stalled_seconds: float = 30


AnswerAtOnce = Callable[[Scope], tuple[int, bytes, bytes] | None]
"""Gives status, lines of headers and body of the answer to a request all of which has arrived, if it knows it."""


class Flow(FlowControl):
    """Leaves a connection alone that is closing, and does not read on from one that is `held`."""

    held = False

    def resume_reading(self) -> None:
        if not self.held and not self._transport.is_closing():
            super().resume_reading()


class _OfBody(NamedTuple):
    """What a parser calls that has a body to read, and whose head was read before."""

    on_body: Callable[[bytes], None]
    on_message_complete: Callable[[], None]


def _framing(headers: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes] | None:
    """The header that says that there is a body."""
    for header in headers:
        if header[0] == b"transfer-encoding" or (header[0] == b"content-length" and header[1].strip(b"0")):
            return header
    return None


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol with limits.

    Bytes are counted before they are parsed: those of a head, and all that is neither body nor leads to one, such as
    trailers. Pipelined requests are parsed only when those before them are answered, and a refusal comes after their
    answers. `busy` is the app of connections beyond the limit. What `front` knows the answer to needs no task: it is
    answered at once, if nothing else was sent with it.
    """

    def __init__(self, *args: Any, limits: Limits, busy: Requests, front: AnswerAtOnce | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self.flow: Flow
        self.headers, self.url = [], b""
        self._limits = limits
        self._busy = busy
        self._front = front
        self._unread: bytes | memoryview = b""
        self._counted = 0  # bytes since the last that led somewhere
        self._progressed = False
        self._in_head = True  # or between two requests
        self._begun = False
        self._hosts = 0
        self._waiting: Cycle | None = None  # to be begun when the piece is parsed that it came in
        self._fault = _INVALID
        self._refusal: AppError | None = None
        self._timer: asyncio.TimerHandle | None = None  # of the head, or of a body that nobody reads

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._stall = Stall(transport, self.loop, self._limits.stalled_seconds)
        too_many = len(self.connections) - self._limits.connections
        if too_many > self._limits.refused_connections:
            transport.abort()
        elif too_many > 0:
            self.app, self._front = self._busy, None
            self._start_timer(self._limits.refused_head_seconds, transport.close)
        else:
            self._start_timer(self._limits.head_seconds, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None:
            self._begin_waiting()
        self._cancel_timer()
        self._stall.forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._unread = bytes(self._unread) + data if self._unread else data
        self._parse()

    def _parse(self) -> None:
        while self._unread and not self.pipeline and not self.transport.is_closing():
            piece = self._next_piece()
            self._progressed = False
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:  # which nobody is offered, so the request is like others
                if self._leaves_body_out():
                    self._read_body(piece[upgrade.args[0] :])
            except httptools.HttpParserError:
                self._fault_is_found(self._fault)
                return
            self._counted = 0 if self._progressed else self._counted + len(piece)
            if (fault := self._fault_of_head()) is not None:
                self._fault_is_found(fault)
                return
        if self._waiting is not None and not (self._waiting.more_body and self._waits_for_body(self._waiting)):
            self._begin_waiting()
        if self._unread:
            self.flow.held = True
            self.flow.pause_reading()
        if self._begun or (self.cycle is not None and not self.cycle.response_complete):
            self._unset_keepalive_if_required()  # it may have been set while this was parsed, or waited to be
        if self._timer is None and (self._begun or (self._in_head and self._counted)):
            self._start_timer(self._limits.head_seconds, self._head_is_late)

    def _leaves_body_out(self) -> bool:
        """Whether the parser takes what follows the head for another protocol, though it is a body: as for `h2c`,
        which clients in Java offer with each first request."""
        return bool(self.parser.should_upgrade()) and _framing(self.headers) is not None

    def _read_body(self, begun: bytes | memoryview) -> None:
        """Goes on with a parser that knows nothing of the upgrade. The connection ends with the answer."""
        self._unread = bytes(begun) + bytes(self._unread)
        self.cycle.keep_alive = False
        self.parser = httptools.HttpRequestParser(_OfBody(self.on_body, self.on_message_complete))
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b: %b\r\n\r\n" % (_framing(self.headers) or (b"", b"")))

    def _next_piece(self) -> bytes | memoryview:
        """So much that a head is refused as soon as it is too large."""
        most, unread = min(_PIECE, MAX_HEAD - self._counted), self._unread
        if len(unread) <= most:
            self._unread = b""
            return unread
        unread = memoryview(unread)
        self._unread = unread[most:]
        return unread[:most]

    def _fault_is_found(self, fault: str) -> None:
        """What came before it is answered."""
        if self._waiting is not None:
            self._begin_waiting()
        self._refuse(AppError("invalid_request", fault))

    def _waits_for_body(self, cycle: Cycle) -> bool:
        """For a moment, as many clients send a short body in a packet of its own."""
        if self._front is None or cycle.waiting_for_100_continue:
            return False
        length = next((value for name, value in cycle.scope["headers"] if name == b"content-length"), None)
        if length is None or int(length) > MAX_AT_ONCE:
            return False
        if self._timer is None:
            self._start_timer(_BODY_SECONDS, self._begin_waiting)
        return True

    def _begin_waiting(self) -> None:
        self._cancel_timer()
        cycle, self._waiting = cast(Cycle, self._waiting), None
        answer = None
        is_alone = not (self._unread or self.pipeline or self.flow.write_paused)
        if self._front is not None and is_alone and not cycle.more_body and len(cycle.body) <= MAX_AT_ONCE:
            scope = cast(Scope, cycle.scope)
            scope["signalbox.body"] = bytes(cycle.body)
            answer = self._front(scope)
        if answer is not None:
            cycle.answer(*answer)
        else:
            self._start_asgi_task(cycle, self.app)

    def _fault_of_head(self) -> str | None:
        if self._counted >= MAX_HEAD:
            return f"The head of the request, or what frames its body, is larger than {MAX_HEAD // 1024} KiB."
        if len(self.url) > MAX_LINE:
            return f"The request line is longer than {MAX_LINE // 1024} KiB."
        if self._in_head and len(self.headers) > MAX_HEADERS:
            return f"The request has more than {MAX_HEADERS} headers."
        return None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun, self._hosts = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        if self._hosts != 1 and (self._hosts or version != "1.0"):
            # RFC 9112, 3.2: what a request without one, or with two, is for can be read in more than one way.
            self._fault = "The request must have exactly one Host header."
            raise ValueError(self._fault)
        if (fault := self._fault_of_head()) is not None:
            self._fault = fault
            raise ValueError(fault)
        self._in_head, self._begun, self._progressed = False, False, True
        self._cancel_timer()
        before, self.cycle = self.cycle, self._cycle(version)
        if before is None or before.response_complete:
            self._waiting = self.cycle
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _cycle(self, version: str) -> Cycle:
        """The request whose head is read."""
        scope, url = cast(Scope, self.scope), httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        scope["method"] = self.parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = url.path
        scope["query_string"] = url.query or b""
        scope["headers"] = self.headers[:]  # without trailers, which the parser adds to the list
        return Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )

    def on_body(self, body: bytes) -> None:
        self._progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._leaves_body_out():
            return
        self._in_head, self._progressed = True, True
        super().on_message_complete()
        if self.cycle.response_complete:  # and what was left of the body has been read
            self._cancel_timer()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        self.flow.held = False
        super().on_response_complete()
        if self.transport.is_closing():
            self._stall.watch()
        elif self.cycle.response_complete and self._refusal is not None:
            self._send_refusal(self._refusal)
        elif self.cycle.response_complete and not self._in_head:
            self._start_timer(self._limits.unread_body_seconds, self.transport.close)
        else:
            self._parse()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._stall.watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall.note_reading()

    def _head_is_late(self) -> None:
        self._timer = None
        self._refuse(AppError("invalid_request", f"The request did not arrive in {self._limits.head_seconds} seconds."))

    def _refuse(self, error: AppError) -> None:
        """Refuses what cannot be read, and with it all that follows on the connection."""
        self._unread, self._refusal = b"", error
        self.flow.held = True
        self.flow.pause_reading()
        if self.cycle is None or self.cycle.response_complete:
            self._send_refusal(error)
        elif not self._in_head:  # the body of the last request, whose answer will not come
            if self.pipeline or self.cycle.response_started:
                self.transport.close()
            else:
                self._send_refusal(error)

    def _send_refusal(self, error: AppError) -> None:
        request_id = self._busy.refused(self.client, error.code, error.status)
        response = enveloped(error, request_id)
        head = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode(), b"connection: close"]
        head += [name + b": " + value for name, value in self._busy.headers.complete(response.raw_headers, request_id)]
        self.transport.write(b"\r\n".join([*head, b"", bytes(response.body)]))
        self.transport.close()
        self._stall.watch()

    def _start_timer(self, seconds: float, call: Any) -> None:
        self._cancel_timer()
        self._timer = self.loop.call_later(seconds, call)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def protocol(settings: Settings, front: AnswerAtOnce | None = None) -> type[asyncio.Protocol]:
    """What uvicorn makes for each connection. Raises BadSetting."""
    connections = max_connections(settings, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    busy = Requests(Failures(_busy, as_the_surface_asked(settings.base_path)), settings)
    return cast(type[asyncio.Protocol], partial(Protocol, limits=Limits(connections), busy=busy, front=front))


def max_connections(settings: Settings, files: int) -> int:
    """How many connections there may be, each of which takes one of the files that the process may have open.

    Raises BadSetting.
    """
    if settings.max_connections is None:
        return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(max(files // 2, 1), MAX_CONNECTIONS)
    if files != resource.RLIM_INFINITY and settings.max_connections >= files:
        most = f"must be below {files}, which is how many files the process may have open (`ulimit -n`)"
        raise BadSetting(f"SIGNALBOX_MAX_CONNECTIONS: {most}")
    return settings.max_connections


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    message = "The server has as many connections as it accepts. Wait a moment and retry."
    raise AppError("unavailable", message, headers={"Connection": "close"})
