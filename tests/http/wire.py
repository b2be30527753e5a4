"""The server's protocol over a connection that a test holds in its hands: what is written, and when it is closed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from app.cli.http_heads import Heads
from app.cli.http_limits import Limits
from app.cli.http_protocol import Protocol, Shared
from app.domain.errors import AppError
from app.http.failures import Failures, enveloped
from app.http.requests import Requests
from app.settings import Settings

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
LIMITS = Limits(connections=2, refused_connections=1)


class SetLoop:
    """The test's event loop, whose time passes when the test says so."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._now = 0.0
        self._calls: list[tuple[asyncio.TimerHandle, Callable[..., None]]] = []

    def time(self) -> float:
        return self._now

    def call_later(self, seconds: float, call: Callable[..., None]) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(self._now + seconds, call, (), self._loop)
        self._calls.append((handle, call))
        return handle

    def call_soon(self, call: Callable[..., None]) -> asyncio.Handle:
        return self._loop.call_soon(call)

    def create_task(self, work: Any) -> "asyncio.Task[None]":
        return self._loop.create_task(work)

    def pass_time(self, seconds: float) -> None:
        """Runs what is due meanwhile."""
        until = self._now + seconds
        while due := [one for one in self._calls if not one[0].cancelled() and one[0].when() <= until]:
            handle, call = min(due, key=lambda one: one[0].when())
            self._calls.remove((handle, call))
            self._now = handle.when()
            call()
        self._now = until


@dataclass
class Transport:
    """A client's end: `written` is what it was sent, `buffered` how much of that it has not read."""

    written: bytes = b""
    buffered: int = 0
    closing: bool = False
    aborted: bool = False
    reading: bool = True
    protocol: Any = None  # the one that has taken over

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.1", 4711), "sockname": ("192.0.2.2", 80)}.get(name, default)

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        if self.closing:
            raise RuntimeError("the handler is closed")  # as uvloop does
        self.written += data

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.buffered


class Server:
    """Makes connections to an app."""

    def __init__(
        self, app: ASGIApp, limits: Limits = LIMITS, front: Any = None, heads: Heads[Any] | None = None
    ) -> None:
        self.loop = SetLoop()
        self.config = uvicorn.Config(app, lifespan="off", log_config=None, proxy_headers=False, ws="none", loop="none")
        self.config.load()
        self.state = ServerState()
        self.shared = Shared(
            limits, Requests(Failures(refuse, enveloped), Settings()), front, Heads() if heads is None else heads
        )

    def connect(self) -> "Connection":
        """A new connection."""
        protocol = Protocol(
            config=self.config,
            server_state=self.state,
            app_state={},
            _loop=cast(asyncio.AbstractEventLoop, self.loop),
            shared=self.shared,
        )
        return Connection(protocol)


class Connection:
    """One client."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.transport = Transport()
        protocol.connection_made(self.transport)

    async def send(self, data: bytes) -> bytes:
        """Sends the bytes and gives all that was answered so far."""
        (self.transport.protocol or self.protocol).data_received(data)
        await settled()
        return self.transport.written

    def leave(self) -> None:
        """The client has gone."""
        self.transport.closing = True
        (self.transport.protocol or self.protocol).connection_lost(ConnectionResetError())


async def settled(turns: int = 200) -> None:
    """Returns once the tasks of the app have come to a wait."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    raise AppError("unavailable", headers={"Connection": "close"})


def answering(body: bytes = b"ok", before: Callable[[], Awaitable[None]] | None = None) -> ASGIApp:
    """An app that answers everything alike, after `before`, and reads no bodies."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if before is not None:
            await before()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app
