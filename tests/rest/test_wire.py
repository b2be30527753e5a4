"""The same over a real connection: what a server adds to it, or takes away."""

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.processes import Served, serving

POST = b"POST /api/v1/auth/link HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on an empty instance."""
    with serving(tmp_path_factory.mktemp("wire")) as served:
        yield served


def said(server: Served, *requests: bytes) -> bytes:
    """All that comes back on one connection until the server closes it."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        for request in requests:
            connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def test_head_has_the_headers_of_get_and_no_body(server: Served) -> None:
    got, headed = (
        said(server, method + b" /api/v1/errors HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for method in (b"GET", b"HEAD")
    )
    length = next(line for line in got.split(b"\r\n") if line.lower().startswith(b"content-length"))
    assert length in headed
    assert headed.endswith(b"\r\n\r\n")
    refused = said(server, b"HEAD /api/v1/orgs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert refused.startswith(b"HTTP/1.1 401")
    assert refused.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "request_",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
    ],
)
def test_what_is_not_http_is_told_in_the_envelope(server: Served, request_: bytes) -> None:
    head, _, body = said(server, request_).partition(b"\r\n\r\n")
    lines = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    envelope = json.loads(body)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert (lines["content-type"], int(lines["content-length"])) == ("application/json", len(body))
    assert envelope == {
        "code": "invalid_request",
        "message": "This is not valid HTTP.",
        "requestId": lines["x-request-id"],
    }


def test_a_declared_length_too_large_is_refused_unread(server: Served) -> None:
    answer = said(server, POST + b"Connection: close\r\nContent-Length: 999999999\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"The body is larger than 16 KiB." in answer


def test_a_chunked_body_too_large_is_refused_when_it_is(server: Served) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    ended = chunk * 20 + b"0\r\n\r\n"
    answer = said(server, POST + b"Transfer-Encoding: chunked\r\n\r\n" + ended, LAST)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"The body is larger than 16 KiB." in answer


def test_a_refusal_leaves_the_connection_to_the_next_request(server: Served) -> None:
    bad = POST + b"Content-Length: 1\r\n\r\n{"
    answer = said(server, bad, LAST)
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.index(b"HTTP/1.1 400") < answer.index(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET /api/v1/errors HTTP/9.9\r\n\r\n",
        POST + b"Content-Length: x\r\n\r\n{}",
        POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused_by_the_server_itself(server: Served, request_: bytes) -> None:
    assert said(server, request_).startswith(b"HTTP/1.1 400")
