"""How uvicorn speaks HTTP: what a connection may take of us is limited in bytes and in time, in each of its phases."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import unquote

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.cli.http_answers import Answers
from app.cli.http_cycle import Cycle, Flow, first_lines, refusal
from app.cli.http_event_stream import EventStream
from app.cli.http_heads import Arrived, Heads, arrived
from app.cli.http_limits import MAX_HEAD, Limits, fault_of_head
from app.cli.http_stalls import Stall
from app.cli.http_timers import Timer
from app.cli.http_upgrades import body_parser, framing
from app.cli.http_websockets import WebSocket, asks_for_websocket
from app.dataplane.calls import Head
from app.dataplane.front import Front, Sent
from app.domain.errors import AppError
from app.http.bodies import MAX_AT_ONCE, number_of_bytes
from app.http.event_streams import KEEP_OPEN
from app.http.headers import Header
from app.http.requests import RequestInfo, Requests

_EXTENSIONS: dict[str, Any] = {KEEP_OPEN: {}}
_PIECE = 4 * 1024  # what is parsed at once: so many pipelined requests can wait at most
_BODY_SECONDS = 0.02  # for which a short body is waited for before the app is asked
_CLOSE = b"connection: close\r\n"
_INVALID = "This is not valid HTTP."


@dataclass(frozen=True)
class Shared:
    """What the connections of a server have in common.

    `busy` is the app of those beyond the limit. What `front` knows the answer to needs no task.
    """

    limits: Limits
    busy: Requests
    front: Front | None
    heads: Heads[Head] = field(default_factory=Heads)
    answers: Answers = field(default_factory=Answers)
    websocket: str = "/graphql"  # where a connection can go on as one


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol with limits.

    Bytes are counted before they are parsed: those of a head, and all that is neither body nor leads to one, such as
    trailers. Pipelined requests are parsed only when those before them are answered, and a refusal comes after their
    answers. What the front knows the answer to is answered at once, if nothing else was sent with it; and if its head
    was read before, it is not read again.
    """

    def __init__(self, *args: Any, shared: Shared, **options: Any) -> None:
        super().__init__(*args, **options)
        self.flow: Flow
        self.headers, self.url = [], b""
        self._shared, self._limits, self._front = shared, shared.limits, shared.front
        self._unread: bytes | memoryview = b""
        self._counted = 0  # bytes since the last that led somewhere
        self._progressed = False
        self._in_head = True  # or between two requests
        self._begun = False
        self._hosts = 0
        self._waiting: Cycle | None = None  # to be begun when the piece is parsed that it came in
        self._arrived: Arrived | None = None  # of which that may be
        self._info: RequestInfo | None = None  # of what the front has handed on
        self._answered_at = 0.0
        self._fault = _INVALID
        self._refusal: AppError | None = None
        self._timer = Timer(self.loop)  # of the head, or of a body that nobody reads

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.flow = Flow(transport)
        self._stall = Stall(transport, self.loop, self._limits.stalled_seconds)
        too_many = len(self.connections) - self._limits.connections
        if too_many > self._limits.refused_connections:
            transport.abort()
        elif too_many > 0:
            self.app, self._front = self._shared.busy, None
            self._timer.start(self._limits.refused_head_seconds, transport.close)
        else:
            self._timer.start(self._limits.head_seconds, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None:
            self._begin_waiting()
        self._timer.cancel()
        self._stall.forget()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def eof_received(self) -> None:
        self._shared.answers.flush()  # before the connection is closed

    def shutdown(self) -> None:
        self._shared.answers.flush()
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        self._arrived = arrived(data) if self._front is not None and self._is_idle() else None
        if self._arrived is not None and self._answer_known(self._arrived, data):
            return
        self._unread = bytes(self._unread) + data if self._unread else data
        self._parse()

    def _is_idle(self) -> bool:
        """Whether all that came is answered, and what comes begins a request."""
        return (
            self._is_all_answered()
            and self._in_head
            and not (self._begun or self._counted or self._unread or self.pipeline or self.flow.write_paused)
            and self._refusal is None
            and not self.transport.is_closing()
        )

    def _is_all_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _answer_known(self, arrived: Arrived, data: bytes) -> bool:
        """Answers a request whose head was read before, if all of it is here. What the front hands on is read again."""
        known = self._shared.heads.find(arrived)
        if known is None or len(data) - arrived.size != known.length:
            return False
        answer = cast(Front, self._front).answer(known.head, self.client, data[arrived.size :], arrived.tag)
        if isinstance(answer, RequestInfo):
            self._info = answer
            return False
        self._timer.cancel()
        self._write_at_once(answer, keep_alive=True)
        self.server_state.total_requests += 1
        self._wait_for_the_next()
        return True

    def _write_at_once(self, answer: Sent, *, keep_alive: bool) -> None:
        status, lines, body = answer
        answers = self._shared.answers
        head, end = first_lines(status, tuple(self.server_state.default_headers)), b"" if keep_alive else _CLOSE
        answers.write(self.loop, self.transport, b"%b%b%b\r\n%b" % (head, lines, end, body))
        if not keep_alive:
            answers.flush()
            self.transport.close()

    def _parse(self) -> None:
        while self._unread and not self.pipeline and not self.transport.is_closing():
            piece = self._next_piece()
            self._progressed = False
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:  # where it is not offered, the request is like others
                self._unread = bytes(piece[upgrade.args[0] :]) + bytes(self._unread)
                if (framed_by := self._left_out()) is not None:
                    self._read_body(framed_by)
                elif self._waiting is not None and self._goes_on_as_websocket(self._waiting):
                    return
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
        if not self._timer.is_running and (self._begun or (self._in_head and self._counted)):
            self._timer.start(self._limits.head_seconds, self._head_is_late)

    def _left_out(self) -> Header | None:
        """What frames the body that the parser takes for another protocol, if it does."""
        return framing(self.headers) if self.parser.should_upgrade() else None

    def _read_body(self, framed_by: Header) -> None:
        """Goes on with a parser of the body alone. The connection ends with the answer."""
        self.cycle.keep_alive = False
        self.parser = body_parser(framed_by, self.on_body, self.on_message_complete)

    def _goes_on_as_websocket(self, cycle: Cycle) -> bool:
        """If the request asks for that, where it is offered: to no connection beyond the limit."""
        scope = cast(Scope, cycle.scope)
        if self.app is self._shared.busy or not asks_for_websocket(scope, self._shared.websocket):
            return False
        self._waiting = None
        WebSocket(self, self._limits, scope, self._let_go()).begin()
        return True

    def _keep_open(self) -> EventStream:
        """Leaves the connection to an answer that goes on for long, and drops all that it takes to read requests."""
        self._let_go()
        return EventStream(self.transport, self.loop, self.connections, self._limits.stalled_seconds)

    def _let_go(self) -> bytes:
        """Of a connection that goes on as something else, with what is not read yet."""
        self._shared.answers.flush()
        self._timer.cancel()
        self._stall.forget()
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        unread, self._unread = bytes(self._unread), b""
        return unread

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
        if length is None or number_of_bytes(length.decode("ascii")) > MAX_AT_ONCE:
            return False
        if not self._timer.is_running:
            self._timer.start(_BODY_SECONDS, self._begin_waiting)
        return True

    def _begin_waiting(self) -> None:
        self._timer.cancel()
        cycle, self._waiting = cast(Cycle, self._waiting), None
        scope, (info, self._info) = cast(Scope, cycle.scope), (self._info, None)
        if info is not None:
            scope["signalbox.request"] = info
        elif self._front is not None and self._is_alone(cycle) and (head := self._front.read(scope)) is not None:
            answer = self._front.answer(head, self.client, bytes(cycle.body))
            if not isinstance(answer, RequestInfo):
                self._keep_head(head, cycle)
                self._write_at_once(answer, keep_alive=cycle.keep_alive)
                cycle.is_answered()
                return
            scope["signalbox.request"] = answer
        self._start_asgi_task(cycle, self.app)

    def _is_alone(self, cycle: Cycle) -> bool:
        """Whether all of the request has arrived, and nothing else."""
        behind = self._unread or self.pipeline or self.flow.write_paused
        return not behind and not cycle.more_body and len(cycle.body) <= MAX_AT_ONCE

    def _keep_head(self, head: Head, cycle: Cycle) -> None:
        """For the next request with the same bytes, if that leaves the connection as it is."""
        if self._arrived is not None and cycle.keep_alive:
            self._shared.heads.keep(self._arrived, head, len(cycle.body))

    def _fault_of_head(self) -> str | None:
        return fault_of_head(self._counted, self.url, self.headers if self._in_head else ())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun, self._hosts = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value.rstrip(b" \t")))

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
        self._timer.cancel()
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
        scope["extensions"] = _EXTENSIONS
        cycle = Cycle(
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
        cycle.keep_open = self._keep_open
        return cycle

    def on_body(self, body: bytes) -> None:
        self._progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._left_out() is not None:
            return
        self._in_head, self._progressed = True, True
        super().on_message_complete()
        if self.cycle.response_complete:  # and what was left of the body has been read
            self._timer.cancel()
            self._wait_for_the_next()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self.flow.held = False
        if self.transport.is_closing():
            self._stall.watch()
            return
        self._wait_for_the_next()
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        if self.cycle.response_complete and self._refusal is not None:
            self._send_refusal(self._refusal)
        elif self.cycle.response_complete and not self._in_head:
            self._timer.start(self._limits.unread_body_seconds, self.transport.close)
        else:
            self._parse()

    def _wait_for_the_next(self) -> None:
        """Keeps the connection for some seconds. The timer of the request before is left to find that there was one."""
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._keep_alive_for(self.timeout_keep_alive)

    def _keep_alive_for(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if (rest := self._answered_at + self.timeout_keep_alive - self.loop.time()) > 0:
            self._keep_alive_for(rest)
        elif self._in_head and not (self._begun or self._counted) and self._is_all_answered():
            super().timeout_keep_alive_handler()
            self._stall.watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall.note_reading()

    def _head_is_late(self) -> None:
        self._refuse(AppError("invalid_request", f"The request did not arrive in {self._limits.head_seconds} seconds."))

    def _refuse(self, error: AppError) -> None:
        """Refuses what cannot be read, and with it all that follows on the connection."""
        self._unread, self._refusal = b"", error
        self.flow.held = True
        self.flow.pause_reading()
        if self._is_all_answered():
            self._send_refusal(error)
        elif not self._in_head:  # the body of the last request, whose answer will not come
            if self.pipeline or self.cycle.response_started:
                self.transport.close()
            else:
                self._send_refusal(error)

    def _send_refusal(self, error: AppError) -> None:
        self._shared.answers.flush()
        self.transport.write(refusal(self._shared.busy, self.client, error))
        self.transport.close()
        self._stall.watch()
