"""A WebSocket to a test's instance, in this process: what a client says over it, and what it hears."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Message

from tests.clients import Api

SUBPROTOCOL = "graphql-transport-ws"
PATIENCE = 10


class Refused(Exception):
    """The handshake is answered as HTTP."""

    def __init__(self, status: int, headers: Mapping[str, str], body: Any) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.errors: list[dict[str, Any]] = body["errors"]

    @property
    def code(self) -> str:
        return str(self.errors[0]["extensions"]["code"])


class Closed(Exception):
    """The server has closed the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Socket:
    """A client's end."""

    def __init__(self) -> None:
        self.to_app: asyncio.Queue[Message] = asyncio.Queue()
        self.from_app: asyncio.Queue[Message] = asyncio.Queue()
        self.headers: dict[str, str] = {}

    async def send_text(self, text: str) -> None:
        await self.to_app.put({"type": "websocket.receive", "text": text})

    async def say(self, kind: str, **members: Any) -> None:
        await self.send_text(json.dumps({"type": kind, **members}))

    async def hear(self) -> Any:
        """The next message. Raises Closed."""
        async with asyncio.timeout(PATIENCE):
            message = await self.from_app.get()
        if message["type"] == "websocket.close":
            raise Closed(message["code"], message["reason"])
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def subscribe(self, one: str, query: str, **variables: Any) -> None:
        await self.say("subscribe", id=one, payload={"query": query, "variables": variables})

    async def event(self) -> Any:
        """What the next event tells, of the root field, which has no error."""
        message = await self.hear()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (told,) = message["payload"]["data"].values()
        return told

    async def error(self) -> dict[str, Any]:
        """The extensions of the only error that ends a subscription."""
        message = await self.hear()
        assert message["type"] == "error", message
        (entry,) = message["payload"]
        return dict(entry["extensions"])

    async def silent(self) -> bool:
        """Whether nothing more is to be heard: what is said after this is answered first."""
        await self.say("ping")
        return bool(await self.hear() == {"type": "pong"})


@asynccontextmanager
async def connected(
    app: ASGIApp, headers: Mapping[str, str] | None = None, subprotocol: str = SUBPROTOCOL, address: str = "127.0.0.1"
) -> AsyncIterator[Socket]:
    """A connection after its handshake. Raises Refused."""
    socket = Socket()
    named = {
        "host": "signalbox.test",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "sec-websocket-protocol": subprotocol,
        **(headers or {}),
    }
    scope = {
        "type": "websocket",
        "method": "GET",
        "scheme": "ws",
        "path": "/graphql",
        "query_string": b"",
        "client": (address, 4711),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
        "extensions": {"websocket.http.response": {}},
    }
    await socket.to_app.put({"type": "websocket.connect"})
    running = asyncio.create_task(app(scope, socket.to_app.get, socket.from_app.put))
    try:
        first = await socket.from_app.get()
        socket.headers = {name.decode(): value.decode() for name, value in first["headers"]}
        if first["type"] != "websocket.accept":
            body = await socket.from_app.get()
            raise Refused(first["status"], socket.headers, json.loads(body["body"]))
        assert first["subprotocol"] == SUBPROTOCOL
        yield socket
    finally:
        await socket.to_app.put({"type": "websocket.disconnect", "code": 1000})
        async with asyncio.timeout(PATIENCE):
            await running


def headers_of(api: Api) -> dict[str, str]:
    """The credentials of a caller, as the handshake has them."""
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in api.client.cookies.jar)
    named = {"authorization": api.client.headers.get("authorization"), "cookie": cookies or None}
    return {name: value for name, value in named.items() if value is not None}


@asynccontextmanager
async def speaking(app: ASGIApp, api: Api) -> AsyncIterator[Socket]:
    """A connection of the caller's, on which subscriptions may begin."""
    async with connected(app, headers_of(api)) as socket:
        await socket.say("connection_init")
        assert await socket.hear() == {"type": "connection_ack"}
        yield socket
