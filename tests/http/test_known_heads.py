"""A head that was read before is not read again, and nobody notices."""

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from app.cli.http_heads import MAX_HEADS, Arrived, Heads, Known
from app.http.requests import RequestInfo
from tests.http.test_at_once import ANSWER, UPGRADE, Front
from tests.http.wire import GET, POST, Server, answering, settled

LENGTH = b"Content-Length: %d\r\n\r\n%b"
REQUEST_ID = re.compile(rb"req_[0-9a-f]{16}")


class Unread:
    """A parser that is not to be used."""

    def feed_data(self, data: bytes) -> None:
        raise AssertionError(data)


def posted(body: bytes) -> bytes:
    return POST + LENGTH % (len(body), body)


@pytest.mark.parametrize(
    ("requests", "tags"),
    [
        ([GET + b"\r\n"] * 2, [None, None]),
        ([posted(b"{ }"), posted(b"[1]")], [None, None]),
        ([GET + b'If-None-Match: "1"\r\n\r\n', GET + b'If-None-Match: "23"\r\n\r\n'], ['"1"', '"23"']),
    ],
)
async def test_a_known_head_is_not_read_on_any_connection(requests: list[bytes], tags: list[str | None]) -> None:
    front = Front()
    server = Server(answering(), front=front)
    await server.connect().send(requests[0])
    client = server.connect()
    client.protocol.parser = Unread()
    written = await client.send(requests[1])
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert written.endswith(b"\r\n\r\nat once")
    assert [one.split(b"\r\n\r\n")[1] for one in requests] == front.bodies
    assert len(front.heads) == 1
    assert [one.get("if-none-match") for one in front.asked] == tags
    server.loop.pass_time(60)
    assert client.transport.closing


async def test_what_the_front_hands_on_reaches_the_app_with_what_is_known_of_it() -> None:
    seen: list[RequestInfo] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["signalbox.request"])
        assert (await receive())["body"] == b"{ }"
        await answering()(scope, receive, send)

    front = Front()
    client = Server(app, front=front).connect()
    await client.send(posted(b"{ }"))
    front.knows = None
    assert (await client.send(posted(b"{ }"))).endswith(b"ok")
    front.knows = ANSWER
    assert (await client.send(posted(b"{ }"))).endswith(b"at once")
    assert [one.request_id for one in seen] == ["req_front"]
    assert len(front.bodies) == 3


@pytest.mark.parametrize("end", ["eof_received", "shutdown"])
async def test_what_is_answered_is_written_before_the_connection_ends(end: str) -> None:
    client = Server(answering(), front=Front()).connect()
    for _ in range(2):
        client.protocol.data_received(GET + b"\r\n")
    getattr(client.protocol, end)()
    assert client.transport.written.count(b"at once") == 2


async def test_a_client_that_has_gone_keeps_nobody_else_from_their_answers() -> None:
    server = Server(answering(), front=Front())
    leaving, staying = server.connect(), server.connect()
    leaving.protocol.data_received(GET + b"\r\n")
    staying.protocol.data_received(GET + b"\r\n")
    leaving.leave()
    await asyncio.sleep(0)
    assert (leaving.transport.written, staying.transport.written[-7:]) == (b"", b"at once")


async def test_answers_do_not_wait_for_many_others() -> None:
    client = Server(answering(), front=Front()).connect()
    for _ in range(100):
        client.protocol.data_received(GET + b"\r\n")
    assert client.transport.written.count(b"at once") == 96


def test_the_oldest_head_is_forgotten() -> None:
    heads = Heads[int]()
    for number in range(MAX_HEADS + 1):
        heads.keep(Arrived(b"%d" % number, None, 1), number, 0)
    assert heads.find(Arrived(b"0", None, 1)) is None
    assert heads.find(Arrived(b"1", None, 1)) == Known(1, 0)


class Forgetful(Heads[Any]):
    """Reads everything."""

    def keep(self, arrived: Arrived, head: Any, length: int) -> None:
        """Not at all."""


REQUESTS = [
    GET + b"\r\n",
    GET + b"Connection: close\r\n\r\n",
    GET + UPGRADE + b"\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET /\r\n\r\n",
    b"\r\n",
    GET + b'If-None-Match: "1"\r\n\r\n',
    GET + b'If-None-Match: "2"\r\n\r\n',
    GET + b'If-None-Match: "1"\r\nX-Other: 1\r\n\r\n',
    GET + b'If-None-Match: "1"\r\nX-Other: 2\r\n\r\n',
    GET + b'If-None-Match:  "2"\r\n\r\n',
    GET + b'If-None-Match: W/"1"\r\n\r\n',
    GET + b"If-None-Match: \r\n\r\n",
    GET + b'If-None-Match: "1", "2"\r\n\r\n',
    GET + b'If-None-Match: "1"\r\nif-none-match: "2"\r\n\r\n',
    POST + b'if-none-match: "1"\r\n' + LENGTH % (3, b"{ }"),
    POST + b'if-none-match: "3"\r\n' + LENGTH % (3, b"{ }"),
    posted(b"{ }"),
    posted(b"[1]"),
    posted(b"1"),
    POST + UPGRADE + LENGTH % (3, b"[2]"),
    POST + b"Expect: 100-continue\r\n" + LENGTH % (3, b"[3]"),
    POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n7\r\n0\r\n\r\n",
    POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\n[4]",
    GET + b"X-Holds: " + GET + b"\r\n",
    posted(GET + b"\r\n"),
    POST + b"Expect: 100-continue\r\n" + LENGTH % (len(GET) + 2, GET + b"\r\n"),
    POST + b"X-Long: " + b"x" * 3000 + b"\r\n" + LENGTH % (3, b"[5]"),
]


HEADS_END = 0
CUTS = [None, 1, 20, 34, 48, HEADS_END]
Cut = tuple[bytes, int | None, bool]
"""A request, where it is cut in two packets, and whether the next comes in a packet of its own."""
CUT = st.tuples(st.sampled_from(REQUESTS), st.sampled_from(CUTS), st.sampled_from([True, True, False]))


async def outcome(sent: list[Cut], heads: Heads[Any], *, knows: bool) -> tuple[list[bytes], list[Any]]:
    """What each connection was answered, with a new one for each that was closed, and what the front was asked."""
    packets = [b""]
    for request, cut, is_last in sent:
        at = request.find(b"\r\n\r\n") + 4 if cut == HEADS_END else cut
        packets[-1] += request[:at]
        packets += ([] if at is None else [request[at:]]) + [b""] * is_last
    front = Front(ANSWER if knows else None)
    server, written = Server(answering(), front=front, heads=heads), list[bytes]()
    client = server.connect()
    for packet in filter(None, packets):
        client.protocol.data_received(packet)
        await settled(10)
        if client.transport.closing:
            written.append(client.transport.written)
            client.leave()
            client = server.connect()
    written.append(client.transport.written)
    return [REQUEST_ID.sub(b"req_", one) for one in written], [*front.bodies, *front.asked]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("request_", REQUESTS)
async def test_what_is_sent_again_is_answered_as_before(request_: bytes, cut: int | None) -> None:
    sent = [(request_, None, True), *((one, None, True) for one in REQUESTS), (request_, cut, True)] * 2
    assert await outcome(sent, Heads(), knows=True) == await outcome(sent, Forgetful(), knows=True)


@given(st.lists(CUT, min_size=2, max_size=12), st.booleans())
async def test_reading_it_again_would_make_no_difference(sent: list[Cut], knows: bool) -> None:
    assert await outcome(sent, Heads(), knows=knows) == await outcome(sent, Forgetful(), knows=knows)
