"""Event streams of a real server: as its clients read them, and what becomes of their connections."""

import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.processes import Served, owner_of, serving

GRACE = 20
GET = "GET {path} HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\n\n"


class Shop:
    """An environment with a flag, and a token that reads it."""

    def __init__(self, served: Served, owner: httpx2.Client) -> None:
        self.served = served
        self._owner = owner
        project = self._made("orgs/acme/projects", key="web", name="Web")["id"]
        self.environment_id = self._made(f"projects/{project}/environments", key="live", name="Live")["id"]
        self._made(f"projects/{project}/flags", key="checkout", type="boolean", defaultValue=True)
        token = {"level": "observer", "environments": {"envs": [self.environment_id]}, "resources": ["*"]}
        self.token = self._made("orgs/acme/api-keys", name="sdk", **token)["token"]
        self.path = f"/api/v1/envs/{self.environment_id}/ruleset/stream"

    def _made(self, path: str, **body: Any) -> Any:
        return self._owner.post(f"/api/v1/{path}", json=body).raise_for_status().json()

    def ticket(self) -> str:
        return str(self._made(f"envs/{self.environment_id}/stream-tickets")["ticket"])

    def change(self, *, to: bool) -> int:
        """Changes the flag; gives the version that this made."""
        path = f"/api/v1/envs/{self.environment_id}/flags/checkout"
        return int(self._owner.patch(path, json={"defaultValue": to}).raise_for_status().json()["version"])

    def connected(self, request: str = GET) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", int(self.served.url.rpartition(":")[2])), timeout=30)
        line.sendall(request.format(path=self.path, token=self.token).replace("\n", "\r\n").encode())
        return line


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with serving(tmp_path_factory.mktemp("streams")) as served, owner_of(served) as owner:
        yield Shop(served, owner)


def read_until(line: socket.socket, text: bytes) -> bytes:
    """What comes up to the text, and it."""
    read = b""
    while text not in read:
        more = line.recv(65536)
        assert more, read
        read += more
    return read


def test_a_change_is_told_within_a_second(shop: Shop) -> None:
    with shop.connected() as line:
        read_until(line, b'"complete":true}')
        began = time.monotonic()
        version = shop.change(to=False)
        told = read_until(line, b'"complete":true}').rpartition(b"id: ")[2]
        assert told.startswith(b"%d\nevent: ruleset\n" % version)
        assert b'"changed":{"flags":["checkout"]' in told
        assert time.monotonic() - began < 1


def test_no_ticket_is_in_the_log(shop: Shop) -> None:
    ticket = shop.ticket()
    for status in (200, 401):
        with shop.connected(f"GET {{path}}?ticket={ticket} HTTP/1.1\nHost: x\n\n") as line:
            assert f" {status} ".encode() in read_until(line, b"\r\n\r\n")
        shop.served.wait_for_log(f"status={status}")
    assert ticket not in shop.served.log


def test_what_a_client_sends_meanwhile_is_nothing(shop: Shop) -> None:
    with shop.connected() as line:
        read_until(line, b"data: ")
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3 + b"\0" * 10_000)
        version = shop.change(to=False)
        assert b"HTTP/1.1" not in read_until(line, b"id: %d\n" % version)


def test_the_head_of_a_stream_ends(shop: Shop) -> None:
    request = "HEAD {path} HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\n\nGET /healthz HTTP/1.1\nHost: x\n\n"
    with shop.connected(request) as line:
        read = read_until(line, b'{"status":"ok"}')
        assert b"content-type: text/event-stream" in read
        assert b"retry:" not in read


def test_a_stop_ends_streams_at_once_and_tells_when_to_come_back(shop: Shop) -> None:
    with shop.connected() as line:
        read_until(line, b"data: ")
        began = time.monotonic()
        shop.served.process.send_signal(signal.SIGTERM)
        end = read_until(line, b"0\r\n\r\n")
        assert 1000 <= int(end.partition(b"retry: ")[2].partition(b"\n")[0]) <= 10_000
        assert line.recv(1) == b""
        shop.served.process.wait()
        assert time.monotonic() - began < GRACE / 2
    assert "graceful shutdown exceeded" not in shop.served.log
