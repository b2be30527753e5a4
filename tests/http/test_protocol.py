"""What a connection may take of the server, in each of its phases: bytes, time, and how many connections there are."""

import asyncio
import json
import logging
import resource

import pytest
import structlog.testing
from starlette.types import Receive, Scope, Send

from app.cli.http_limits import max_connections
from app.settings import BadSetting, Settings
from tests.http.wire import GET, LIMITS, POST, Connection, Server, answering, settled

KIB = 1024
HEADS = {
    "many headers": GET + b"X-1: v\r\n" * 101,
    "many headers in a complete head": GET + b"X-1: v\r\n" * 101 + b"\r\n",
    "a long header": GET + b"X-A: " + b"a" * 33 * KIB,
    "a long header in a complete head": GET + b"X-A: " + b"a" * 33 * KIB + b"\r\n\r\n",
    "many long headers": GET + (b"X-A: " + b"a" * KIB + b"\r\n") * 33,
    "a long name": GET + b"a" * 33 * KIB,
    "a folded header": GET + b"X-A: a\r\n" + b" a\r\n" * 9 * KIB,
    "a long request line": b"GET /" + b"a" * 17 * KIB,
    "a long request line in a complete head": b"GET /" + b"a" * 17 * KIB + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "spaces in the request line": b"GET " + b" " * 33 * KIB,
    "empty lines": b"\r\n" * 17 * KIB,
    "a handshake": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + b"X-1: v\r\n" * 101 + b"\r\n",
    "trailers": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X-1: v\r\n" * 5 * KIB,
    "a chunk's extension": POST + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"a" * 40 * KIB,
}


def envelope(written: bytes) -> dict[str, str]:
    """The last answer, which must be a refusal in the envelope with all headers."""
    head, _, body = written[written.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    lines = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    told: dict[str, str] = json.loads(body)
    assert (lines["connection"], lines["cache-control"]) == ("close", "no-store")
    assert (lines["x-content-type-options"], lines["x-request-id"]) == ("nosniff", told["requestId"])
    assert lines["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    return told


async def never() -> None:
    """An app that does not come to its answer."""
    await asyncio.Event().wait()


async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that reads bodies and never answers."""
    while True:
        if (await receive())["type"] == "http.disconnect":
            return


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "in pieces"])
@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
async def test_what_is_too_much_to_be_understood_is_refused_before_it_is(head: bytes, *, at_once: bool) -> None:
    client, step = Server(waiting).connect(), len(head) if at_once else 700
    for start in range(0, len(head), step):
        if client.transport.closing:
            break
        await client.send(head[start : start + step])
    assert client.transport.written.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert envelope(client.transport.written)["code"] == "invalid_request"
    assert client.transport.closing


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X-1: v\r\n" * 99 + b"\r\n",
        (GET + b"X-A: ").ljust(32 * KIB - 5, b"a") + b"\r\n\r\n",
        b"GET /" + b"a" * (16 * KIB - 1) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\n\r\n" + GET + b"\r\n",
    ],
)
async def test_what_is_just_little_enough_is_answered(head: bytes) -> None:
    client = Server(answering()).connect()
    for _ in range(3):  # each is counted from its own beginning
        await client.send(head)
    assert client.transport.written.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400 Bad Request"),
        (GET + b"Host: y\r\n\r\n", b"400 Bad Request"),
        (GET + b"hOST: x\r\n\r\n", b"400 Bad Request"),
        (b"GET / HTTP/1.0\r\n\r\n", b"200 OK"),
    ],
)
async def test_a_request_has_one_host(head: bytes, status: bytes) -> None:
    client = Server(answering()).connect()
    await client.send(head)
    assert client.transport.written.startswith(b"HTTP/1.1 " + status)


async def test_a_large_body_is_not_taken_for_a_head() -> None:
    client = Server(answering()).connect()
    assert (await client.send(POST + b"Content-Length: 200000\r\n\r\n" + b"a" * 200_000)).endswith(b"ok")
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    await client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 50 + b"0\r\n\r\n")
    assert client.transport.written.count(b"HTTP/1.1 200 OK") == 2


async def test_trailers_are_no_headers() -> None:
    seen: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend(name for name, _ in scope["headers"])
        await answering()(scope, receive, send)

    body = b"Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
    assert (await Server(app).connect().send(POST + body)).endswith(b"ok")
    assert seen == [b"host", b"transfer-encoding"]


async def test_pipelined_requests_wait_unread_and_are_answered_in_order() -> None:
    client = Server(answering()).connect()
    client.protocol.data_received((GET + b"\r\n") * 5000)
    assert len(client.protocol.pipeline) < 500
    assert not client.transport.reading
    while client.transport.written.count(b"ok") < 5000:
        await asyncio.sleep(0)
    assert client.transport.reading


async def test_the_refusal_of_a_pipelined_request_comes_after_the_answers() -> None:
    asked = asyncio.Event()

    async def wait() -> None:
        await asked.wait()

    client = Server(answering(before=wait)).connect()
    assert await client.send((GET + b"\r\n") * 2 + b"nonsense\r\n\r\n" + GET) == b""
    asked.set()
    await settled()
    assert client.transport.written.count(b"HTTP/1.1 200 OK") == 2
    assert envelope(client.transport.written)["message"] == "This is not valid HTTP."
    assert client.transport.closing


class TestTime:
    """Each phase ends."""

    @pytest.mark.parametrize("sent", [b"", GET, b"\r\n", GET + b"\r\n" + GET, GET + b"\r\n\r\n"])
    async def test_a_head_that_does_not_arrive(self, sent: bytes) -> None:
        server = Server(answering())
        client = server.connect()
        for one in sent:
            await client.send(bytes([one]))
            server.loop.pass_time(0.1)  # bytes that trickle in do not prolong it
        server.loop.pass_time(LIMITS.head_seconds)
        assert client.transport.closing
        assert envelope(client.transport.written)["code"] == "invalid_request"

    async def test_an_idle_connection(self) -> None:
        server = Server(answering())
        client = server.connect()
        await client.send(GET + b"\r\n")
        server.loop.pass_time(6)
        assert client.transport.closing

    async def test_the_time_of_the_app_is_not_that_of_the_head(self) -> None:
        server = Server(answering(before=never))
        client = server.connect()
        await client.send(GET + b"\r\n")
        server.loop.pass_time(1000)
        assert not client.transport.closing

    @pytest.mark.parametrize("rest", [b"", b"a" * 100])
    async def test_a_body_that_nobody_reads(self, rest: bytes) -> None:
        server = Server(answering())
        client = server.connect()
        assert (await client.send(POST + b"Content-Length: 1000\r\n\r\n")).endswith(b"ok")
        for _ in range(9):
            await client.send(rest)
            server.loop.pass_time(1.2)
        assert client.transport.closing

    async def test_a_connection_is_used_again_once_such_a_body_has_been_sent(self) -> None:
        server = Server(answering())
        client = server.connect()
        await client.send(POST + b"Content-Length: 1000\r\n\r\n")
        await client.send(b"a" * 1000)
        server.loop.pass_time(2)
        await client.send(GET + b"\r\n")
        assert client.transport.written.count(b"HTTP/1.1 200 OK") == 2
        server.loop.pass_time(6)
        assert client.transport.closing

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (POST + b"Content-Length: 9\r\n\r\n", b"a" * 9 + GET + b"X-Last: 1\r\n\r\n"),
            (GET + b"\r\n" + GET, b"X-Last: 1\r\n\r\n"),
        ],
        ids=["a request behind a body that nobody read", "a head of which some came earlier"],
    )
    async def test_what_came_in_one_read_with_something_else_is_not_idle(self, first: bytes, second: bytes) -> None:
        asked, answer_at_once = asyncio.Event(), answering()

        async def wait() -> None:
            await asked.wait()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            is_last = (b"x-last", b"1") in scope["headers"]
            await (answering(b"last", wait) if is_last else answer_at_once)(scope, receive, send)

        server = Server(app)
        client = server.connect()
        await client.send(first)
        server.loop.pass_time(4 if first.startswith(POST) else 20)
        await client.send(second)
        server.loop.pass_time(1000)
        assert not client.transport.closing
        asked.set()
        await settled()
        assert client.transport.written.endswith(b"last")
        server.loop.pass_time(6)
        assert client.transport.closing


class TestReaders:
    """An answer is waited for as long as the client reads it."""

    def stop_reading(self, client: Connection, how: str) -> None:
        client.transport.buffered = 100_000
        if how == "paused":
            client.protocol.pause_writing()
        elif how == "refused":
            client.protocol.data_received(b"nonsense\r\n\r\n")

    @pytest.mark.parametrize("how", ["paused", "refused", "idle"])
    async def test_who_reads_nothing_for_too_long_is_cut_off(self, how: str) -> None:
        server = Server(answering())
        client = server.connect()
        await client.send(GET + b"\r\n")
        self.stop_reading(client, how)
        server.loop.pass_time(LIMITS.stalled_seconds - 1)
        assert not client.transport.aborted
        server.loop.pass_time(15)
        assert client.transport.aborted

    async def test_an_answer_that_closes_the_connection_is_no_exception(self) -> None:
        server = Server(answering())
        client = server.connect()
        client.transport.buffered = 1000
        await client.send(GET + b"Connection: close\r\n\r\n")
        server.loop.pass_time(LIMITS.stalled_seconds + 5)
        assert client.transport.aborted

    async def test_who_reads_slowly_is_not(self) -> None:
        server = Server(answering())
        client = server.connect()
        self.stop_reading(client, "paused")
        while client.transport.buffered:
            server.loop.pass_time(20)
            client.transport.buffered -= 1000
        server.loop.pass_time(100)
        assert not client.transport.aborted


class TestNumber:
    """There are so many connections and no more."""

    async def test_one_too_many_is_told_so_and_closed(self) -> None:
        server = Server(answering())
        clients = [server.connect() for _ in range(LIMITS.connections)]
        refused = server.connect()
        await refused.send(GET + b"\r\n")
        assert refused.transport.written.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert b"\r\nretry-after: 1\r\n" in refused.transport.written
        assert envelope(refused.transport.written)["code"] == "unavailable"
        assert refused.transport.closing
        for client in clients:
            assert (await client.send(GET + b"\r\n")).endswith(b"ok")
        for gone in (refused, clients[0]):
            gone.leave()
        assert (await server.connect().send(GET + b"\r\n")).endswith(b"ok")

    async def test_such_a_connection_is_not_waited_for(self) -> None:
        server = Server(answering())
        *_, refused = [server.connect() for _ in range(LIMITS.connections + 1)]
        server.loop.pass_time(LIMITS.refused_head_seconds)
        assert (refused.transport.closing, refused.transport.written) == (True, b"")

    async def test_far_too_many_are_cut_off(self) -> None:
        server = Server(answering())
        *_, cut = [server.connect() for _ in range(LIMITS.connections + LIMITS.refused_connections + 1)]
        assert (cut.transport.aborted, cut.transport.written) == (True, b"")


def test_the_number_of_connections_leaves_files_for_everything_else() -> None:
    assert max_connections(Settings(), 1024) == 512
    assert max_connections(Settings(), resource.RLIM_INFINITY) == 10_000
    assert max_connections(Settings(max_connections=900), 1024) == 900
    with pytest.raises(BadSetting, match=r"^SIGNALBOX_MAX_CONNECTIONS: must be below 1024, .*ulimit"):
        max_connections(Settings(max_connections=1024), 1024)


@pytest.mark.parametrize("seen", [True, False], ids=["and it is known", "and it is not known yet"])
async def test_an_answer_to_a_client_that_has_gone_is_no_failure(
    caplog: pytest.LogCaptureFixture, *, seen: bool
) -> None:
    asked = asyncio.Event()

    async def wait() -> None:
        await asked.wait()

    client = Server(answering(before=wait)).connect()
    await client.send((GET + b"\r\n") * 3)
    if seen:
        client.leave()
    else:
        client.transport.closing = True
    asked.set()
    with caplog.at_level(logging.INFO), structlog.testing.capture_logs() as lines:
        await settled()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not lines
