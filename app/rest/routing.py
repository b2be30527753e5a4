"""From one route table to Starlette routes: one a path, dispatched by method; checks in one order for all of them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from app.domain.errors import AppError, not_found
from app.domain.inputs import Command
from app.domain.policy import Operation
from app.middleware.authentication import authenticate, require_own_origin
from app.middleware.bodies import read_json
from app.middleware.requests import info_of
from app.rest.calls import Call
from app.rest.shapes import Shape
from app.serving.node import Node

Handler = Callable[[Call], Awaitable[Response]]
SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the route table. `operation` None: no row of the policy is asked (`public`: nor is a caller)."""

    method: str
    path: str
    handler: Handler
    summary: str
    operation: Operation | None = None
    takes: type[Command] | None = None
    gives: type[Shape] | None = None
    status: int = 200
    public: bool = False
    many: bool = False

    @property
    def name(self) -> str:
        """The operation's name: the handler's."""
        return self.handler.__name__


class Resource:
    """The ASGI app of one path: finds the method, then the caller, then reads the body, then calls the handler."""

    def __init__(self, node: Node, endpoints: Sequence[Endpoint]) -> None:
        self.node = node
        self.path = endpoints[0].path
        self.endpoints = {endpoint.method: endpoint for endpoint in endpoints}
        if "GET" in self.endpoints:
            self.endpoints["HEAD"] = self.endpoints["GET"]
        self.allow = ", ".join(sorted({*self.endpoints, "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        info_of(scope).route = self.path
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers={"Allow": self.allow})(scope, receive, send)
            return
        if (endpoint := self.endpoints.get(scope["method"])) is None:
            raise AppError("method_not_allowed", headers={"Allow": self.allow})
        response = await endpoint.handler(await self._read(endpoint, scope, receive))
        await response(scope, receive, send)

    async def _read(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> Call:
        await authenticate(self.node, scope, public=endpoint.public)
        if endpoint.method not in SAFE:
            require_own_origin(self.node, scope)
        connection = HTTPConnection(scope)
        return Call(
            node=self.node,
            info=info_of(scope),
            path=scope["path_params"],
            query=connection.query_params,
            headers=Headers(scope=scope),
            url=connection.url,
            body=None if endpoint.method in SAFE else await read_json(scope, receive),
        )


def routes(node: Node, table: Sequence[Endpoint]) -> list[BaseRoute]:
    """The Starlette routes of the table."""
    by_path = groupby(sorted(table, key=lambda endpoint: endpoint.path), key=lambda endpoint: endpoint.path)
    return [Route(path, Resource(node, list(group))) for path, group in by_path]


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Where no route leads."""
    raise not_found("path")
