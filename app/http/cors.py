"""CORS: pages of other origins that may call, with a token and never with a cookie."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

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

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        return (
            response if response.status_code == HTTPStatus.OK else Response(status_code=204, headers={"Vary": "Origin"})
        )


def allowing(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The app, with calls from pages of the origins allowed."""
    if not origins:
        return app
    return Origins(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=ALLOWED_HEADERS,
        expose_headers=(*EXPOSED_HEADERS, *RATE_HEADERS),
        max_age=DAY_SECONDS,
    )
