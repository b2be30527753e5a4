"""An event stream of a test's instance, in this process: the app hands over the answer, as our server has it do."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message

from app.http.event_streams import KEEP_OPEN

PATIENCE = 10


class Event(NamedTuple):
    """What one event says."""

    id: str
    name: str
    data: Any


class Refused(Exception):
    """There is no stream, but an answer."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(status, body)
        self.status = status
        self.headers = headers
        self.code = json.loads(body)["code"]


class Listener:
    """A client's end, and for the app its line. While it `is_full` it reads nothing."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.is_full = False
        self.has_ended = False
        self.text = ""
        self.retries: list[int] = []
        self.beats = 0
        self.on_room: Callable[[], None]
        self.on_end: Callable[[], None]
        self._news = asyncio.Event()

    def write(self, data: bytes) -> None:
        assert not self.is_full
        self.text += data.decode()
        self._news.set()

    def end(self) -> None:
        self.has_ended = True
        self._news.set()

    def read_on(self) -> None:
        """The client reads again."""
        self.is_full = False
        self.on_room()

    async def event(self) -> Event:
        """The next event. Raises EOFError at the end."""
        async with asyncio.timeout(PATIENCE):
            while True:
                while "\n\n" in self.text:
                    block, _, self.text = self.text.partition("\n\n")
                    if (event := self._read(block)) is not None:
                        return event
                if self.has_ended:
                    raise EOFError
                self._news.clear()
                await self._news.wait()

    def _read(self, block: str) -> Event | None:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "retry" in fields:
            self.retries.append(int(fields["retry"]))
        self.beats += block == ":"
        return (
            Event(fields["id"], fields.get("event", "message"), json.loads(fields["data"])) if "id" in fields else None
        )


@asynccontextmanager
async def listening(
    app: ASGIApp, address: str, headers: Mapping[str, str] | None = None, peer: str = "127.0.0.1"
) -> AsyncIterator[Listener]:
    """A stream that has begun. Raises Refused."""
    listener, answer = Listener(), list[Message]()
    kept: list[Any] = []

    async def send(message: Message) -> None:
        if message["type"] == KEEP_OPEN:
            kept.append(message["take"](listener))
        else:
            answer.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    url = urlsplit(address)
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": url.path,
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "client": (peer, 4711),
        "headers": [
            (name.encode(), value.encode("latin-1"))
            for name, value in {"host": "signalbox.test", **(headers or {})}.items()
        ],
        "extensions": {KEEP_OPEN: {}},
    }
    await app(scope, receive, send)
    start, *rest = answer
    listener.headers = {name.decode(): value.decode() for name, value in start["headers"]}
    if not kept:
        raise Refused(start["status"], listener.headers, b"".join(message["body"] for message in rest))
    try:
        yield listener
    finally:
        listener.on_end()
