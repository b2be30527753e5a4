"""The bodies of requests that offer another protocol, as clients in Java offer `h2c` with each first request.

The parser takes all that follows such a head for the other protocol, which nobody is offered here.
"""

from collections.abc import Callable

import httptools

from app.http.headers import Header, Headers


def framing(headers: Headers) -> Header | None:
    """The header that says that there is a body."""
    for header in headers:
        if header[0] == b"transfer-encoding" or (header[0] == b"content-length" and header[1].strip(b"0")):
            return header
    return None


def body_parser(
    framed_by: Header, on_body: Callable[[bytes], None], on_message_complete: Callable[[], None]
) -> httptools.HttpRequestParser:
    """A parser that has read a head with this header, and knows nothing of the other protocol."""
    parser = httptools.HttpRequestParser(_OfBody(on_body, on_message_complete))
    parser.feed_data(b"POST / HTTP/1.1\r\n%b: %b\r\n\r\n" % framed_by)
    return parser


class _OfBody:
    """What a parser calls that has a body to read, and whose head was read before. What follows is nobody's."""

    def __init__(self, on_body: Callable[[bytes], None], on_message_complete: Callable[[], None]) -> None:
        self._read, self._end = on_body, on_message_complete
        self._has_ended = False

    def on_body(self, body: bytes) -> None:
        if not self._has_ended:
            self._read(body)

    def on_message_complete(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._end()
