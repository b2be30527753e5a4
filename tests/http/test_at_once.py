"""What the front knows the answer to is answered while it is read; everything else reaches the app as ever."""

import asyncio

import pytest
from starlette.types import Scope

from app.http.requests import RequestInfo
from tests.http.wire import GET, POST, Connection, Server, answering, settled

Answer = tuple[int, bytes, bytes]
ANSWER: Answer = (200, b"content-length: 7\r\nx-front: yes\r\n", b"at once")


class Front:
    """Knows the answer, or that it has none, and keeps what it is asked."""

    def __init__(self, answer: Answer | None = ANSWER) -> None:
        self.heads: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.asked: list[dict[str, str]] = []
        self.knows = answer

    def read(self, scope: Scope) -> dict[str, str] | None:
        head = {name.decode(): value.decode() for name, value in scope["headers"]}
        if len(head) < len(scope["headers"]):
            return None
        self.heads.append(head)
        return head

    def answer(self, head: dict[str, str], client: object, body: bytes, tag: str | None = None) -> Answer | RequestInfo:
        assert head in self.heads
        assert client == ("192.0.2.1", 4711)
        self.bodies.append(body)
        self.asked.append(head if tag is None else head | {"if-none-match": tag})
        return RequestInfo("req_front") if self.knows is None else self.knows


def connected(front: Front) -> Connection:
    return Server(answering(), front=front).connect()


@pytest.mark.parametrize("request_", [GET + b"\r\n", POST + b"Content-Length: 2\r\n\r\n{}"])
async def test_it_is_answered_without_a_task(request_: bytes) -> None:
    server = Server(answering(), front=Front())
    client = server.connect()
    for _ in range(2):
        client.protocol.data_received(request_)
        assert not server.state.tasks
        await asyncio.sleep(0)
    assert client.transport.written.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert client.transport.written.endswith(b"\r\n\r\nat once")
    assert client.transport.written.count(b"\r\nx-front: yes\r\n") == 2
    assert not client.transport.closing


async def test_a_connection_that_is_not_kept_is_closed() -> None:
    client = connected(Front())
    await client.send(GET + b"Connection: close\r\n\r\n")
    assert b"connection: close" in client.transport.written
    assert client.transport.closing


async def test_an_idle_connection_is_closed_as_ever() -> None:
    server = Server(answering(), front=Front())
    client = server.connect()
    for _ in range(3):
        server.loop.pass_time(4)
        await client.send(GET + b"\r\n")
        assert not client.transport.closing
    server.loop.pass_time(4)
    assert not client.transport.closing
    server.loop.pass_time(2)
    assert client.transport.closing


async def test_what_it_does_not_know_the_app_answers() -> None:
    assert (await connected(Front(None)).send(GET + b"\r\n")).endswith(b"ok")


async def test_pipelined_requests_are_answered_in_order() -> None:
    front = Front()
    written = await connected(front).send((GET + b"\r\n") * 3)
    assert written.count(b"HTTP/1.1 200 OK") == 3
    assert front.bodies == []  # so that others have their turns between them


async def test_a_short_body_is_waited_for_a_moment() -> None:
    front = Front()
    client = connected(front)
    assert await client.send(POST + b"Content-Length: 4\r\n\r\n") == b""
    assert await client.send(b"{}") == b""
    assert (await client.send(b"  ")).endswith(b"at once")
    assert front.bodies == [b"{}  "]


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 40000\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\nContent-Length: 1\r\n"],
)
async def test_others_reach_the_app_before_their_bodies(head: bytes) -> None:
    front = Front()
    assert b"HTTP/1.1 200 OK" in await connected(front).send(POST + head + b"\r\n")
    assert front.bodies == []


async def test_a_body_that_does_not_come_at_once_is_left_to_the_app() -> None:
    front = Front()
    server = Server(answering(), front=front)
    client = server.connect()
    assert await client.send(POST + b"Content-Length: 4\r\n\r\n") == b""
    server.loop.pass_time(0.1)
    assert (await client.send(b"")).endswith(b"ok")
    assert front.bodies == []


async def test_who_leaves_meanwhile_is_noted_by_the_app() -> None:
    asked: list[str] = []

    async def note() -> None:
        asked.append("asked")

    client = Server(answering(before=note), front=Front()).connect()
    await client.send(POST + b"Content-Length: 4\r\n\r\n")
    client.leave()
    await settled()
    assert asked == ["asked"]


async def test_a_long_request_in_one_read_is_known_whole() -> None:
    front, body = Front(), b" " * 20_000
    client = connected(front)
    assert (await client.send(POST + b"Content-Length: 20000\r\n\r\n" + body)).endswith(b"at once")
    assert front.bodies == [body]


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n"


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 4\r\n\r\n{}  ", b"Transfer-Encoding: chunked\r\n\r\n4\r\n{}  \r\n0\r\n\r\n"]
)
@pytest.mark.parametrize("packets", [1, 2, 1000])
async def test_the_body_of_who_offers_another_protocol_is_read(framing: bytes, packets: int) -> None:
    front, sent = Front(), POST + UPGRADE + framing
    client, size, written = connected(front), -(-len(sent) // packets), b""
    for at in range(0, len(sent), size):
        written = await client.send(sent[at : at + size])
    if framing.startswith(b"C"):
        assert front.bodies == [b"{}  "]
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in written
    assert written.endswith(b"at once") is bool(front.bodies)


async def test_who_offers_another_protocol_without_a_body_goes_on() -> None:
    client = connected(Front(None))
    for _ in range(2):
        assert (await client.send(GET + UPGRADE + b"\r\n")).endswith(b"ok")


@pytest.mark.parametrize(
    "then",
    [GET + b"\r\n", POST + b"Content-Length: 2\r\n\r\n{}", POST + b"Content-Length: 26\r\n\r\n" + GET + b"\r\n"[:1]],
)
@pytest.mark.parametrize("cut", [0, 1, 30, 58, 70])
async def test_what_follows_an_offer_is_read(then: bytes, cut: int) -> None:
    client, sent = connected(Front(None)), GET + UPGRADE + b"\r\n" + then
    at = len(sent) - len(then) + cut
    await client.send(sent[:at])
    written = await client.send(sent[at:])
    assert written.count(b"HTTP/1.1 200 OK\r\n") == 2


async def test_what_follows_a_body_behind_an_offer_is_not_added_to_it() -> None:
    front = Front()
    written = await connected(front).send(
        POST + UPGRADE + b"Content-Length: 2\r\n\r\n{}" + POST + b"Content-Length: 2\r\n\r\n[]"
    )
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in written
    assert b"[]" not in b"".join(front.bodies)


@pytest.mark.parametrize("length", [b"2 ", b"2\t ", b"0" * 30 + b"2", b"0" * 9000 + b"2"])
@pytest.mark.parametrize("packets", [1, 2])
async def test_a_length_is_read_however_it_is_written(length: bytes, packets: int) -> None:
    front = Front()
    client, head = connected(front), POST + b"Content-Length: " + length + b"\r\n\r\n"
    for packet in [head + b"{}"] if packets == 1 else [head, b"{}"]:
        await client.send(packet)
    assert front.bodies == [b"{}"]
    assert client.transport.written.endswith(b"at once")
    assert front.heads[0]["content-length"] == length.strip().decode()
