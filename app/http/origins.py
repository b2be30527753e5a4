"""Pages of other origins that may call, with a token and never with a cookie."""

from collections.abc import Sequence

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
)
EXPOSED_HEADERS = ("ETag", "Link", "Location", "Retry-After", "X-Request-Id")
RATE_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
DAY_SECONDS = 86_400
GRANTED = 200


class Origins(CORSMiddleware):
    """Starlette's, which refuses by granting nothing: that is all a browser looks at, and it needs no body."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser may send."""
        response = super().preflight_response(request_headers)
        return response if response.status_code == GRANTED else Response(status_code=204, headers={"Vary": "Origin"})


def allowing(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The app as browsers see it from pages of the origins."""
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
