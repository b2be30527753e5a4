"""What a WebSocket may take of the server: bytes, frames, time; and how each fault closes it."""

import asyncio
from collections.abc import Callable

import pytest
import structlog.testing
from starlette.types import Message, Receive, Scope, Send
from websockets import Opcode
from websockets.frames import Close, Frame
from websockets.protocol import OPEN, Protocol, Side

from app.cli.http_websockets import MAX_FRAGMENTS
from app.http.bodies import ALLOW_LONG_MESSAGES
from app.http.bodies import MAX_ANONYMOUS_BODY as MAX_FIRST_MESSAGE
from app.http.bodies import MAX_BODY as MAX_MESSAGE
from tests.http.wire import LIMITS, Connection, Server, settled

UPGRADE = b"Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
HANDSHAKE = b"GET /graphql HTTP/1.1\r\nHost: x\r\n" + UPGRADE + KEY + b"\r\n"
ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what it hears, if it is asked over a WebSocket, and otherwise that it was not."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"http"})
        return
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "subprotocol": None, "headers": [(b"x-name", b"value")]})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "long":
            scope[ALLOW_LONG_MESSAGES]()
        elif message.get("text") == "bye":
            await send({"type": "websocket.close", "code": 4400, "reason": "é" * 200})
        await send({**message, "type": "websocket.send"})


async def deaf(scope: Scope, receive: Receive, send: Send) -> None:
    """Accepts, and does not take what is said."""
    await send({"type": "websocket.accept"})
    await asyncio.Event().wait()


def frame(data: bytes | str, opcode: Opcode = Opcode.TEXT, *, fin: bool = True, mask: bool = True) -> bytes:
    content = data.encode() if isinstance(data, str) else data
    return Frame(opcode, content, fin).serialize(mask=mask)


class Client:
    """The other end, after the handshake: what it hears, as the library reads it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.transport = connection.transport
        self._read = connection.transport.written.index(b"\r\n\r\n") + 4

    async def say(self, data: bytes) -> list[Frame]:
        """The frames that are heard after the bytes."""
        await self.connection.send(data)
        return self.heard()

    def heard(self) -> list[Frame]:
        reader = Protocol(Side.CLIENT, state=OPEN, max_size=None)
        reader.receive_data(self.transport.written[self._read :])
        self._read = len(self.transport.written)
        return [one for one in reader.events_received() if isinstance(one, Frame)]

    def closed(self) -> tuple[int, str]:
        """How the connection was closed, which is the last that was heard."""
        last = self.heard()[-1]
        assert last.opcode is Opcode.CLOSE
        close = Close.parse(last.data)
        return close.code, close.reason

    async def says(self, data: bytes) -> list[str]:
        """The texts that are heard after the bytes."""
        return [bytes(one.data).decode() for one in await self.say(data)]


async def opened(app: Callable[..., object] = echo) -> tuple[Server, Client]:
    server = Server(app)  # type: ignore[arg-type]
    connection = server.connect()
    assert (await connection.send(HANDSHAKE)).startswith(ACCEPTED)
    return server, Client(connection)


async def test_the_handshake_is_that_of_the_standard() -> None:
    server = Server(echo)
    head = (await server.connect().send(HANDSHAKE)).decode().lower()
    assert "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n" in head
    assert "upgrade: websocket\r\nconnection: upgrade\r\n" in head
    assert "x-name: value\r\n" in head
    assert head.endswith("\r\n\r\n")
    assert "extensions" not in (await server.connect().send(HANDSHAKE)).decode().lower()


@pytest.mark.parametrize(
    "request_",
    [
        HANDSHAKE.replace(b"/graphql", b"/"),
        HANDSHAKE.replace(b"/graphql", b"/graphql/"),
        HANDSHAKE.replace(b"WebSocket", b"h2c"),
        HANDSHAKE.replace(b"GET", b"POST"),
        HANDSHAKE.replace(b"Upgrade: WebSocket", b"Upgrade: WebSocket\r\nContent-Length: 2") + b"{}",
        HANDSHAKE.replace(b"Upgrade: WebSocket\r\n", b""),
    ],
)
async def test_where_it_is_not_offered_a_request_is_like_others(request_: bytes) -> None:
    written = await Server(echo).connect().send(request_)
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert written.endswith(b"http")


async def test_a_connection_may_have_had_requests_before() -> None:
    server = Server(echo)
    connection = server.connect()
    assert (await connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).endswith(b"http")
    written = await connection.send(HANDSHAKE + frame("early"))
    assert (ACCEPTED in written, written[-7:]) == (True, b"\x81\x05early")


async def test_it_counts_as_a_connection_until_it_ends() -> None:
    server, client = await opened()
    assert len(server.state.connections) == 1
    other = server.connect()
    await other.send(HANDSHAKE)
    refused = await server.connect().send(HANDSHAKE)
    assert refused.startswith(b"HTTP/1.1 503 ")
    client.connection.leave()
    await settled()
    assert (len(server.state.connections), len(server.state.tasks)) == (2, 1)


async def test_messages_come_whole_however_they_are_cut() -> None:
    _, client = await opened()
    assert await client.says(frame("one") + frame("two")) == ["one", "two"]
    pieces = frame("th", fin=False) + frame(b"", Opcode.PING) + frame("re", Opcode.CONT, fin=False)
    assert [one.opcode for one in await client.say(pieces)] == [Opcode.PONG]
    assert await client.says(frame("e", Opcode.CONT)) == ["three"]
    whole = frame("four" * 100)
    for byte in range(len(whole) - 1):
        assert await client.says(whole[byte : byte + 1]) == []
    assert await client.says(whole[-1:]) == ["four" * 100]
    assert [one.opcode for one in await client.say(frame(b"\xff", Opcode.BINARY))] == [Opcode.BINARY]


async def test_who_is_not_known_sends_short_messages() -> None:
    _, client = await opened()
    assert await client.says(frame("a" * MAX_FIRST_MESSAGE)) == ["a" * MAX_FIRST_MESSAGE]
    await client.connection.send(frame("a" * (MAX_FIRST_MESSAGE + 1)))
    assert (client.closed()[0], client.transport.closing) == (1009, True)


async def test_who_is_known_sends_long_messages() -> None:
    _, client = await opened()
    await client.say(frame("long"))
    assert await client.says(frame("a" * MAX_MESSAGE)) == ["a" * MAX_MESSAGE]
    await client.connection.send(frame("a" * (MAX_MESSAGE + 1))[:20])  # refused by its length alone
    assert (client.closed()[0], client.transport.closing) == (1009, True)


FAULTS = {
    "in pieces too long together": (
        frame("a" * MAX_FIRST_MESSAGE, fin=False) + frame("a", Opcode.CONT),
        1009,
    ),
    "in too many pieces": (frame("", fin=False) + frame("", Opcode.CONT, fin=False) * MAX_FRAGMENTS * 2, 1008),
    "not masked": (frame("a", mask=False), 1002),
    "compressed": (b"\xc1" + frame("a")[1:], 1002),
    "an unknown frame": (b"\x83" + frame("a")[1:], 1002),
    "a piece of nothing": (frame("a", Opcode.CONT), 1002),
    "two messages at once": (frame("a", fin=False) + frame("b"), 1002),
    "a long ping": (b"\x89\xfe\x00\x7e" + bytes(130), 1002),
    "not UTF-8": (frame(b"\xff"), 1007),
    "a length beyond all bounds": (b"\x81\xff\x7f" + b"\xff" * 7, 1009),
}


@pytest.mark.parametrize(("data", "code"), FAULTS.values(), ids=FAULTS)
async def test_what_is_no_frame_of_ours_closes_the_connection(data: bytes, code: int) -> None:
    server, client = await opened()
    await client.connection.send(data + frame("more"))
    assert client.closed()[0] == code
    assert client.transport.closing
    client.connection.leave()
    await settled()
    assert (len(server.state.connections), len(server.state.tasks)) == (0, 0)


async def test_who_does_not_read_is_not_read() -> None:
    server, client = await opened()
    client.transport.protocol.pause_writing()
    client.transport.buffered = 70_000
    before = len(client.transport.written)
    for _ in range(100):
        await client.connection.send(frame(b"", Opcode.PING) * 1000 + frame("more"))
    assert (len(client.transport.written), client.transport.reading) == (before, False)
    client.transport.buffered = 0
    client.transport.protocol.resume_writing()
    await settled()
    assert client.transport.reading
    server.loop.pass_time(LIMITS.stalled_seconds * 2)
    assert not client.transport.aborted


async def test_who_does_not_read_for_long_is_cut_off() -> None:
    server, client = await opened()
    client.transport.protocol.pause_writing()
    client.transport.buffered = 70_000
    server.loop.pass_time(LIMITS.stalled_seconds * 1.2)
    assert client.transport.aborted


async def test_nothing_is_read_that_nobody_takes() -> None:
    _, client = await opened(deaf)
    await client.connection.send(frame("one"))
    assert not client.transport.reading


async def test_who_says_nothing_is_asked_whether_they_are_there() -> None:
    server, client = await opened()
    for _ in range(3):
        server.loop.pass_time(LIMITS.ping_seconds)
        assert [one.opcode for one in client.heard()] == [Opcode.PING]
        await client.connection.send(frame(b"", Opcode.PONG))
    server.loop.pass_time(LIMITS.ping_seconds)
    server.loop.pass_time(LIMITS.ping_seconds)
    assert (client.closed()[0], client.transport.closing) == (1011, True)


async def test_a_close_is_answered() -> None:
    server, client = await opened()
    (answer,) = await client.say(frame(Close(1000, "bye").serialize(), Opcode.CLOSE))
    assert (answer.opcode, Close.parse(answer.data).code) == (Opcode.CLOSE, 1000)
    assert (client.transport.closing, len(server.state.tasks)) == (True, 0)


async def test_a_close_of_ours_waits_for_its_answer_only_so_long() -> None:
    for answers in (True, False):
        server, client = await opened()
        await client.connection.send(frame("bye") + frame("more"))
        code, reason = client.closed()
        assert (code, set(reason), len(reason.encode()) <= 123) == (4400, {"é"}, True)
        assert not client.transport.closing
        if answers:
            await client.say(frame(Close(4400, "").serialize(), Opcode.CLOSE))
        else:
            server.loop.pass_time(LIMITS.closing_seconds)
        assert client.transport.closing


async def test_a_server_that_stops_says_so() -> None:
    server, client = await opened()
    client.transport.protocol.shutdown()
    assert client.closed()[0] == 1001
    await settled()
    assert len(server.state.tasks) == 0
    server.loop.pass_time(1)
    assert client.transport.closing


async def test_a_handshake_ends_with_a_server_that_stops() -> None:
    may_go_on = asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await may_go_on.wait()
        await echo(scope, receive, send)

    connection = Server(slow).connect()
    assert await connection.send(HANDSHAKE) == b""
    assert not connection.transport.reading
    connection.transport.protocol.shutdown()
    may_go_on.set()
    await settled()
    assert Client(connection).closed()[0] == 1001


async def test_a_fault_of_ours_is_logged_and_not_told() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        raise RuntimeError("secret")

    with structlog.testing.capture_logs() as lines:
        _, client = await opened(broken)
    assert [line["event"] for line in lines] == ["internal"]
    assert client.closed() == (1011, "")


async def test_a_refusal_is_an_answer() -> None:
    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"2"), (b"x-name", b"value")]
        await send({"type": "websocket.http.response.start", "status": 403, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"n", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"o"})

    server = Server(refusing)
    connection = server.connect()
    written = await connection.send(HANDSHAKE + frame("more"))
    assert written.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"x-name: value\r\nconnection: close\r\n" in written
    assert written.endswith(b"\r\n\r\nno")
    assert (connection.transport.closing, len(server.state.tasks)) == (True, 0)


async def test_who_leaves_is_sent_nothing_more() -> None:
    said = asyncio.Event()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        gone: Message = await receive()
        gone = gone if gone["type"] == "websocket.disconnect" else await receive()
        assert gone["code"] == 1006
        await send({"type": "websocket.send", "text": "too late"})
        await send({"type": "websocket.close"})
        said.set()

    server, client = await opened(late)
    client.connection.leave()
    await settled()
    assert (said.is_set(), client.heard(), len(server.state.tasks)) == (True, [], 0)
