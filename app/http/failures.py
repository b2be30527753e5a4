"""Turns every exception into an error of the catalogue, in the form of the transport. Pure ASGI."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.errors import AppError, envelope
from app.http.requests import info_of

log = structlog.get_logger()
Render = Callable[[AppError, str], ASGIApp]


def expected(fault: Exception) -> AppError:
    """The error as callers see it: one of the catalogue, or `internal`, with the cause in the log only."""
    if isinstance(fault, AppError):
        return fault
    log.error("internal", exc_info=fault)
    return AppError("internal")


def enveloped(error: AppError, request_id: str) -> Response:
    """The envelope of an error."""
    return refusal(error, envelope(error, request_id))


def refusal(error: AppError, body: Mapping[str, Any]) -> Response:
    """An error with the catalogue's status. Not cacheable, because some caches store a 404."""
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(orjson.dumps(body), error.status, headers, "application/json")


class Failures:
    """Answers with `render(error, request_id)` if the app inside raises before it starts the response."""

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
            info = info_of(scope)
            info.code = error.code
            await self.render(error, info.request_id)(scope, receive, send)
