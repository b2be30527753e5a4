"""What uvicorn makes for each connection, with what those of a server have in common."""

import asyncio
import resource
from functools import partial
from typing import cast

from starlette.types import Receive, Scope, Send

from app.cli.http_limits import Limits, max_connections
from app.cli.http_protocol import Protocol, Shared
from app.dataplane.front import Front
from app.domain.errors import AppError
from app.graphql.view import PATH
from app.http.failures import Failures
from app.http.requests import Requests
from app.rest.app import as_the_surface_asked
from app.settings import Settings


def protocol(settings: Settings, front: Front | None = None) -> type[asyncio.Protocol]:
    """Raises BadSetting."""
    connections = max_connections(settings, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    counts = None if front is None else front.requests.counts
    busy = Requests(Failures(_busy, as_the_surface_asked(settings.base_path)), settings, counts=counts)
    shared = Shared(Limits(connections), busy, front, websocket=settings.base_path + PATH)
    return cast(type[asyncio.Protocol], partial(Protocol, shared=shared))


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    message = "The server has as many connections as it accepts. Wait a moment and retry."
    raise AppError("unavailable", message, headers={"Connection": "close"})
