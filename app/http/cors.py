"""CORS: pages of other origins that may call, with a token and never with a cookie."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Send

ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "If-None-Match",
    "X-API-Key",
    "X-Break-Glass",
    "X-Reason",
    "X-Request-Id",
    "X-Signalbox-Env",
    "X-Signalbox-Min-Version",
    "baggage",  # this and the next two are what tracing in browsers adds by itself
    "traceparent",
    "tracestate",
)
EXPOSED_HEADERS = ("Allow", "ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id")
RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DAY_SECONDS = 86_400


class Origins(CORSMiddleware):
    """Starlette's middleware, but a refused preflight has no body: browsers only look at the missing headers."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=ALLOWED_HEADERS,
            expose_headers=(*EXPOSED_HEADERS, *RATE_HEADERS),
            max_age=DAY_SECONDS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        return (
            response if response.status_code == HTTPStatus.OK else Response(status_code=204, headers={"Vary": "Origin"})
        )

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        if message["type"] == "http.response.start":
            self.complete(message.setdefault("headers", []), request_headers.get("Origin"))
        await send(message)

    def complete(self, raw: list[tuple[bytes, bytes]], origin: str | None) -> None:
        """Adds to the headers of an answer what a page of the origin may know, as the library does while it sends."""
        headers = MutableHeaders(raw=raw)
        if origin is not None:
            headers.update(self.simple_headers)
        if origin is not None and not self.allow_all_origins and self.is_allowed_origin(origin):
            self.allow_explicit_origin(headers, origin)
        else:
            headers["Vary"] = ", ".join([*headers.getlist("Vary"), "Origin"])


def allowing(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The app, with calls from pages of the origins allowed."""
    return Origins(app, origins) if origins else app
