"""Turns every exception into the catalogue's answer, in the shape that a transport gives. Pure ASGI."""

from collections.abc import Callable

import orjson
import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.errors import AppError, envelope
from app.http.requests import info_of

log = structlog.get_logger()
Render = Callable[[AppError, str], Response]


def expected(fault: Exception) -> AppError:
    """The fault as callers see it: one from the catalogue, or `internal` with the cause in the log only."""
    if isinstance(fault, AppError):
        return fault
    log.error("internal", exc_info=fault)
    return AppError("internal")


def enveloped(error: AppError, request_id: str) -> Response:
    """The envelope of a failure, with the catalogue's status: kept by nobody, for some caches keep a 404."""
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(orjson.dumps(envelope(error, request_id)), error.status, headers, "application/json")


class Failures:
    """Answers with `render(error, request_id)` where the app inside raised before it began to answer."""

    def __init__(self, app: ASGIApp, render: Render) -> None:
        self.app = app
        self.render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except ClientDisconnect:
            return
        except Exception as fault:
            error = expected(fault)
            if begun:
                raise
            await self.render(error, info_of(scope).request_id)(scope, receive, send)
