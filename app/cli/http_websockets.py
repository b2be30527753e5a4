"""How a connection goes on as a WebSocket: frames are read and written by the library `websockets`, within limits."""

import asyncio
import logging
from collections import deque
from typing import Any, cast

import structlog
from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from websockets import Opcode
from websockets.frames import Frame
from websockets.protocol import OPEN, Protocol, Side
from websockets.utils import accept_key

from app.cli.http_cycle import first_lines
from app.cli.http_limits import Limits
from app.cli.http_stalls import Stall
from app.cli.http_timers import Timer
from app.http.bodies import ALLOW_LONG_MESSAGES, MAX_ANONYMOUS_BODY, MAX_BODY
from app.http.headers import Headers, lines_of

MAX_FRAGMENTS = 1024
STOPPING_SECONDS = 1
_PIECE = 4 * 1024  # what is parsed at once, so that few messages and pongs come of it
_MAX_REASON = 123  # bytes, by RFC 6455
_GOING_AWAY, _NOT_UTF8, _POLICY, _INTERNAL, _LOST = 1001, 1007, 1008, 1011, 1006
_quiet = logging.getLogger("websockets.server")
_quiet.setLevel(logging.ERROR)
log = structlog.get_logger()


def asks_for_websocket(scope: Scope, path: str) -> bool:
    """Whether a request that offers other protocols asks for a WebSocket, where there is one."""
    if scope["path"] != path or scope["method"] != "GET":
        return False
    return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in scope["headers"])


class WebSocket(asyncio.Protocol):
    """ASGI's `websocket` on a connection whose handshake was read as HTTP. Nothing is compressed.

    It is read in small pieces, and only while the app has taken what came before and the client reads what it is sent,
    the pongs included: what waits is bounded, whatever a client does.
    """

    def __init__(self, http: HttpToolsProtocol, limits: Limits, handshake: Scope, unread: bytes) -> None:
        self._loop, self._transport = http.loop, http.transport
        self._server, self._connections, self._tasks = http.server_state, http.connections, http.tasks
        self._app, self._limits, self._scope = http.app, limits, self._scope_of(handshake)
        self._key = next((value for name, value in handshake["headers"] if name == b"sec-websocket-key"), b"")
        self._stall = Stall(self._transport, self._loop, limits.stalled_seconds)
        self._frames = Protocol(Side.SERVER, state=OPEN, max_size=MAX_ANONYMOUS_BODY, logger=_quiet)
        self._unread: bytes | memoryview = unread
        self._parts: list[bytes] = []
        self._is_text = True
        self._messages: deque[Message] = deque([{"type": "websocket.connect"}])
        self._arrived, self._drained = asyncio.Event(), asyncio.Event()
        self._drained.set()
        self._refusal: tuple[int, Headers, bytes] | None = None
        self._is_open = self._reads = self._heard = self._stopping = False
        self._gone: Message | None = None  # what the app is told from then on
        self._timer = Timer(self._loop)  # of the next ping, or of the client's answer to a close

    def begin(self) -> None:
        """Takes over. Nothing more is read until the app has accepted."""
        self._connections.add(cast(Any, self))
        self._transport.set_protocol(self)
        self._transport.pause_reading()
        task = self._loop.create_task(self._run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _scope_of(self, handshake: Scope) -> Scope:
        offered = [value for name, value in handshake["headers"] if name == b"sec-websocket-protocol"]
        return {
            **handshake,
            "type": "websocket",
            "scheme": "wss" if handshake["scheme"] == "https" else "ws",
            "subprotocols": [one.strip().decode("latin-1") for value in offered for one in value.split(b",")],
            "extensions": {"websocket.http.response": {}},
            ALLOW_LONG_MESSAGES: self._allow_long_messages,
        }

    async def _run(self) -> None:
        try:
            await self._app(self._scope, self._receive, cast(Any, self._send))
        except Exception:
            log.exception("internal")
            self._close(_INTERNAL, "")
        else:
            self._close(_GOING_AWAY, "")
        if not self._is_open:
            self._transport.close()

    def _allow_long_messages(self) -> None:
        self._frames.max_message_size = MAX_BODY

    # What the connection tells

    def data_received(self, data: bytes) -> None:
        self._unread = bytes(self._unread) + data if self._unread else data
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._timer.cancel()
        self._stall.forget()
        self._connections.discard(cast(Any, self))
        self._unread = b""
        self._end(_LOST)
        self._drained.set()

    def pause_writing(self) -> None:
        self._drained.clear()
        self._stall.watch()

    def resume_writing(self) -> None:
        self._drained.set()
        self._stall.note_reading()
        self._read()

    def shutdown(self) -> None:
        """The server stops: clients connect again."""
        self._stopping = True
        if self._is_open:
            self._close(_GOING_AWAY, "The server stops.")
            self._timer.start(STOPPING_SECONDS, self._transport.close)

    # From the client to the app

    def _read(self) -> None:
        while self._unread and self._may_read():
            piece = memoryview(self._unread)[:_PIECE]
            self._unread = memoryview(self._unread)[_PIECE:]
            self._heard = True
            self._frames.receive_data(bytes(piece))
            for frame in self._frames.events_received():
                self._take(cast(Frame, frame))
            self._flush()
        reads = not self._unread and self._may_read()
        if reads is not self._reads and not self._transport.is_closing():
            self._reads = reads
            (self._transport.resume_reading if reads else self._transport.pause_reading)()

    def _may_read(self) -> bool:
        return self._is_open and not self._messages and self._drained.is_set() and not self._transport.is_closing()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            closed = self._frames.close_rcvd
            self._end(_LOST if closed is None else closed.code)
            return
        if frame.opcode in {Opcode.PING, Opcode.PONG} or self._gone is not None:
            return
        if frame.opcode is not Opcode.CONT:
            self._parts, self._is_text = [], frame.opcode is Opcode.TEXT
        self._parts.append(bytes(frame.data))
        if len(self._parts) > MAX_FRAGMENTS:
            self._frames.fail(_POLICY, "A message may have 1,024 fragments.")
        elif frame.fin:
            data, self._parts = b"".join(self._parts), []
            self._take_message(data)

    def _take_message(self, data: bytes) -> None:
        try:
            content = {"text": data.decode()} if self._is_text else {"bytes": data}
        except UnicodeDecodeError:
            self._frames.fail(_NOT_UTF8, "A text is UTF-8.")
            return
        self._messages.append({"type": "websocket.receive", **content})
        self._arrived.set()

    async def _receive(self) -> Message:
        while not self._messages and self._gone is None:
            self._arrived.clear()
            await self._arrived.wait()
        if self._gone is not None:
            return self._gone
        message = self._messages.popleft()
        self._read()
        return message

    def _end(self, code: int) -> None:
        """There is nobody any more to send to."""
        if self._gone is None:
            self._gone = {"type": "websocket.disconnect", "code": code, "reason": None}
            self._messages.clear()
            self._arrived.set()

    # From the app to the client

    async def _send(self, message: Message) -> None:
        """What is sent to a client that has gone is dropped."""
        while not self._drained.is_set():
            await self._drained.wait()
        if self._transport.is_closing() or self._gone is not None:
            return
        match message["type"]:
            case "websocket.accept":
                self._accept(message)
            case "websocket.http.response.start":
                self._refusal = message["status"], message["headers"], b""
            case "websocket.http.response.body":
                self._refuse(message)
            case "websocket.send":
                text = message.get("text")
                (self._frames.send_text if text is not None else self._frames.send_binary)(
                    text.encode() if text is not None else message["bytes"]
                )
                self._flush()
            case "websocket.close":
                self._close(message.get("code", 1000), message.get("reason") or "")

    def _accept(self, message: Message) -> None:
        headers: Headers = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", accept_key(self._key.decode("latin-1")).encode()),
        ]
        if subprotocol := message.get("subprotocol"):
            headers.append((b"sec-websocket-protocol", subprotocol.encode("latin-1")))
        head = first_lines(101, tuple(self._server.default_headers)) + lines_of([*headers, *message.get("headers", ())])
        self._transport.write(head + b"\r\n")
        self._is_open = True
        if self._stopping:
            self.shutdown()
            return
        self._heard = True
        self._timer.start(self._limits.ping_seconds, self._look_whether_it_is_there)
        self._read()

    def _refuse(self, message: Message) -> None:
        """Answers the handshake as HTTP, once all of the answer is known."""
        if self._refusal is None:
            return
        status, headers, body = self._refusal
        self._refusal = status, headers, body + message.get("body", b"")
        if not message.get("more_body"):
            head = first_lines(status, tuple(self._server.default_headers))
            head += lines_of([*headers, (b"connection", b"close")])
            self._transport.write(head + b"\r\n" + self._refusal[2])
            self._transport.close()
            self._stall.watch()

    def _close(self, code: int, reason: str) -> None:
        """Tells the client, who has some seconds to answer."""
        if not self._is_open or self._gone is not None or self._transport.is_closing():
            return
        self._frames.send_close(code, reason.encode()[:_MAX_REASON].decode(errors="ignore"))
        self._end(code)
        self._flush()
        self._stall.watch()
        self._timer.start(self._limits.closing_seconds, self._transport.close)
        self._read()

    def _flush(self) -> None:
        """Writes what the library has made. It ends with nothing once the connection is to be closed."""
        for data in self._frames.data_to_send():
            if not data:
                self._end(_LOST)
                self._transport.close()
                self._stall.watch()
            elif not self._transport.is_closing():
                self._transport.write(data)

    def _look_whether_it_is_there(self) -> None:
        """A client from whom nothing has come since the last ping has gone, unless it was us who did not read."""
        if not self._heard and self._reads:
            self._frames.fail(_INTERNAL, "keepalive ping timeout")
        else:
            self._heard = False
            self._frames.send_ping(b"")
            self._timer.start(self._limits.ping_seconds, self._look_whether_it_is_there)
        self._flush()
