"""What the log tells the operator of each request, and what never gets into it."""

import socket
import sys
import unicodedata
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette

from app.domain.token_secrets import new_token_secret
from app.http.logs import printable
from app.settings import Settings
from tests.conftest import CLAIM_CODE, client_of
from tests.factories import Instance, Workspace
from tests.logged import logged, of_requests
from tests.processes import serving

CLAIM = {"email": "ada@example.com", "orgName": "Acme", "orgSlug": "acme"}
HOSTILE = b"a\x9b31m\x85next\xe2\x80\xae\x1f\x7f\tb"


def events(lines: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in lines if line["event"] != "request"]


async def test_each_request_is_one_line(instance: Instance, workspace: Workspace, request_lines: list[str]) -> None:
    token = await instance.token(workspace.org)
    with logged(request_lines) as lines:
        replies = [
            await workspace.org.viewer.do("me"),
            await token.do("me"),
            await workspace.org.viewer.do("createProject", orgSlug=workspace.org.slug, key="x", name="X"),
        ]
    path = "/graphql" if len({line["route"] for line in of_requests(lines)}) == 1 else None
    assert [(line["requestId"], line["address"], line.get("code")) for line in of_requests(lines)] == [
        (reply.request_id, "127.0.0.1", reply.code) for reply in replies
    ]
    assert [line["route"] for line in of_requests(lines)] == (
        [path] * 3 if path else ["/api/v1/auth/me", "/api/v1/auth/me", "/api/v1/orgs/{slug}/projects"]
    )
    assert [line["actor"].partition(":")[0] for line in of_requests(lines)] == ["member", "token", "member"]
    assert all(line["ms"] >= 0 and line["method"] in {"GET", "POST"} for line in of_requests(lines))
    assert "@example.com" not in repr(lines)


async def test_what_has_to_do_with_signing_in_is_an_event_of_its_own(
    instance: Instance, request_lines: list[str]
) -> None:
    caller = instance.anonymous()
    with logged(request_lines) as lines:
        await caller.do("installClaim", **CLAIM, claimCode="wrong" * 5)
        await caller.make("installClaim", **CLAIM, claimCode=CLAIM_CODE)
        await instance.anonymous().do("redeemLink", token="sbl_unknown")
        await instance.bearer(new_token_secret()).do("me")
    assert events(lines) == ["claim_failed", "sign_in", "claim", "sign_in_failed", "token_refused"]
    wrong, signed_in, claimed, failed, refused = [line for line in lines if line["event"] != "request"]
    assert signed_in["actor"] == claimed["actor"]
    assert claimed["actor"].startswith("member:")
    assert [line["code"] for line in (wrong, failed, refused)] == [
        "invalid_request",
        "magic_link_invalid",
        "unauthorized",
    ]
    assert all(line["requestId"] and line["address"] for line in (wrong, signed_in, claimed, failed, refused))
    assert "sbl_unknown" not in repr(lines)
    assert CLAIM_CODE not in repr(lines)


async def test_a_proxy_that_is_not_trusted_is_told_of_once(app: Starlette, request_lines: list[str]) -> None:
    forwarded = {"X-Forwarded-For": "192.0.2.7"}
    with logged(request_lines) as lines:
        for address in ("198.51.100.1", "127.0.0.1", "10.1.2.3"):
            async with client_of(app, address=address) as client:
                await client.get("/healthz")
                await client.get("/healthz", headers=forwarded)
    (warning,) = [line for line in lines if line.get("log_level") == "warning"]
    assert "SIGNALBOX_TRUSTED_PROXIES" in warning["event"]
    assert warning["proxy"] == "127.0.0.1"


class TestBehindATrustedProxy:
    """An instance that knows its proxy."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"trusted_proxies": "127.0.0.0/8"})

    async def test_the_address_is_the_callers(self, app: Starlette, request_lines: list[str]) -> None:
        async with client_of(app) as client:
            with logged(request_lines) as lines:
                await client.get("/healthz", headers={"X-Forwarded-For": "2001:db8::7"})
        assert [(line["address"], line["level"]) for line in lines] == [("2001:db8::7", "info")]


class TestWithoutAddresses:
    """An instance whose log has none."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"log_addresses": False})

    async def test_no_line_has_one(self, app: Starlette, request_lines: list[str]) -> None:
        async with client_of(app, address="192.0.2.7") as client:
            with logged(request_lines) as lines:
                await client.get("/api/v1/auth/me", headers={"Authorization": "Bearer x"})
        assert lines
        assert "192.0.2.7" not in repr(lines)


def test_what_moves_the_cursor_or_turns_the_text_is_escaped() -> None:
    hostile = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)).startswith("C")]
    hostile += ["\u2028", "\u2029"]
    assert all(printable(f"a{one}b").isprintable() for one in hostile)
    assert printable("\x9b31m\u202e\n") == "\\x9b31m\\u202e\\n"
    assert printable("Ada Räil 日本 😀") == "Ada Räil 日本 😀"


def send(url: str, head: bytes) -> None:
    """Sends one request and waits for the end of the connection."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(head + b"\r\nConnection: close\r\n\r\n")
        while connection.recv(65536):
            pass


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_nothing_that_a_caller_sends_gets_raw_into_the_log(log_format: str, tmp_path: Any) -> None:
    with serving(tmp_path, SIGNALBOX_LOG_FORMAT=log_format) as served:
        served.wait_for_log("started")
        for name in (b"X-Request-Id", b"X-Forwarded-For", b"User-Agent", b"Authorization", b"Cookie"):
            for value in (HOSTILE, bytes(byte for byte in HOSTILE if byte >= 32 and byte != 127)):  # which HTTP allows
                for query in (b"", b"?" + HOSTILE):
                    send(
                        served.url, b"GET /api/v1/auth/me" + query + b" HTTP/1.1\r\nHost: x\r\n" + name + b": " + value
                    )
        served.stop()
        assert all(line.isprintable() for line in served.log.split("\n"))
        assert "a31mnextb" in served.log
