"""One request and its answer, as uvicorn has them, with heads that are written in a part of the time."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

from app.domain.errors import AppError
from app.http.event_streams import KEEP_OPEN
from app.http.failures import enveloped
from app.http.headers import Header, lines_of
from app.http.requests import Requests

_BODILESS = {204, 304}
_FRAMING = {b"content-length: ", b"transfer-encoding: ", b"connection: "}
# Their values are few, and so each is looked at only once.
_REPEATED = {
    b"cache-control: ",
    b"content-security-policy: ",
    b"content-type: ",
    b"cross-origin-opener-policy: ",
    b"cross-origin-resource-policy: ",
    b"referrer-policy: ",
    b"strict-transport-security: ",
    b"vary: ",
    b"x-content-type-options: ",
}
_SHORT = 64 * 1024
_MOST = 256
_names: dict[bytes, bytes] = {}
_lines: dict[tuple[bytes, bytes], bytes] = {}


@lru_cache(64)
def first_lines(status: int, always: tuple[Header, ...]) -> bytes:
    """Of an answer: its status, and the headers that uvicorn makes anew each second."""
    return STATUS_LINE[status] + lines_of(always)


def refusal(requests: Requests, client: tuple[str, int] | None, error: AppError) -> bytes:
    """The answer to what is no request, which is logged. The connection ends with it."""
    request_id = requests.refused(client, error.code, error.status)
    response = enveloped(error, request_id)
    headers = [(b"connection", b"close"), *requests.headers.complete(response.raw_headers, request_id)]
    return STATUS_LINE[error.status] + lines_of(headers) + b"\r\n" + bytes(response.body)


class Flow(FlowControl):
    """Leaves a connection alone that is closing, and does not read on from one that is `held`."""

    held = False

    def resume_reading(self) -> None:
        if not self.held and not self._transport.is_closing():
            super().resume_reading()


class Cycle(RequestResponseCycle):
    """What the app sends to a client that has gone is dropped, before uvicorn learns that it has.

    A head that tells how long the body is waits for the body, and is written with one that is short.
    """

    _begun_with = b""
    keep_open: Callable[[], Any]

    async def send(self, message: ASGISendEvent) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.transport.is_closing():
            self.disconnected = True
        sent = cast(dict[str, Any], message)
        if sent["type"] == KEEP_OPEN:
            self._leave_open(sent["take"])
            return
        if not self.disconnected and not self.response_started and sent["type"] == "http.response.start":
            self._begun_with = self._head(sent["status"], sent.get("headers", ()))
            if self.chunked_encoding:
                self._write_head(b"")
            return
        if self._begun_with and not self.disconnected:
            body = sent.get("body", b"")
            if len(body) == self.expected_content_length <= _SHORT and self.scope["method"] != "HEAD":
                self._write_head(body)
                self.expected_content_length, message = 0, cast(ASGISendEvent, {**sent, "body": b""})
            else:
                self._write_head(b"")
        await super().send(message)

    def _leave_open(self, take: Callable[[Any], None]) -> None:
        """What is written from now on, `take` writes; for the app the answer is at its end."""
        if not self.disconnected:
            self.disconnected = True
            take(self.keep_open())

    def _write_head(self, body: bytes) -> None:
        head, self._begun_with = self._begun_with, b""
        self.transport.write(head + body)

    def is_answered(self) -> None:
        """All of the answer is written, or will be at the end of the loop's turn."""
        self.response_started = self.response_complete = True
        self.on_response()
        self.on_response = _nothing

    def _head(self, status: int, headers: Iterable[Header]) -> bytes:
        """Raises RuntimeError for what would not be one."""
        lines, values = [first_lines(status, tuple(self.default_headers))], []
        for header in headers:
            if (line := _lines.get(header)) is None:
                name, value = _names.get(header[0]) or _checked(header[0]), header[1]
                line = self._framing(name, value) if name in _FRAMING else name + value + b"\r\n"
                values.append(value)
                if name in _REPEATED and len(_lines) < _MOST and HEADER_VALUE_RE.search(value) is None:
                    _lines[header] = line
            lines.append(line)
        if HEADER_VALUE_RE.search(b"".join(values)) is not None:
            raise RuntimeError("Invalid HTTP header value.")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        self.response_started, self.waiting_for_100_continue = True, False
        return b"".join(lines)

    def _framing(self, name: bytes, value: bytes) -> bytes:
        """The line, of which uvicorn must know."""
        if name == b"content-length: " and self.chunked_encoding is None:
            self.expected_content_length, self.chunked_encoding = int(value), False
        elif name == b"transfer-encoding: " and value.lower() == b"chunked":
            self.expected_content_length, self.chunked_encoding = 0, True
        elif name == b"connection: " and b"close" in [token.strip() for token in value.lower().split(b",")]:
            self.keep_alive = False
            return b""  # that is said below
        return name + value + b"\r\n"


def _checked(name: bytes) -> bytes:
    """The beginning of a line."""
    if HEADER_RE.search(name) is not None:
        raise RuntimeError("Invalid HTTP header name.")
    begun = name.lower() + b": "
    if len(_names) < _MOST:
        _names[name] = begun
    return begun


def _nothing() -> None:
    """What there is to do once the answer is complete."""
