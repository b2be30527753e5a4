"""From one route table to Starlette routes: one a path, dispatched by method; checks in one order for all of them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from urllib.parse import quote

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from app.domain.actors import Anonymous
from app.domain.commands import Command, NoBody, names_of
from app.domain.errors import AppError, invalid, not_found
from app.domain.policy import Operation
from app.http.authentication import authenticate, require_own_origin
from app.http.bodies import read_json
from app.http.methods import Methods
from app.http.requests import info_of
from app.rest.calls import Call
from app.rest.schemas import Shape
from app.runtime.node import Node

Handler = Callable[[Call], Awaitable[Response]]
SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the route table: all that the router, the OpenAPI document and the table of parity know of a call.

    `operation` is the row of the policy that is asked; None: none is (`public`: nor is a caller). `also` are those that
    some contents of the call ask for besides, `raises` the codes and `sends` the headers (by the document's names)
    that do not follow from the rest of the row, and `asks` are a read's parameters. `many`: the answer is a list of
    what it `gives`. `last_counts`: of a key that stands twice in a body the last counts, for callers that hand
    contexts through.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    operation: Operation | None = None
    takes: type[Command] | None = None
    gives: type[Shape] | None = None
    status: int = 200
    public: bool = False
    last_counts: bool = False
    many: bool = False
    asks: type[Command] = NoBody
    also: tuple[Operation, ...] = ()
    raises: tuple[str, ...] = ()
    sends: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The operation's name: the handler's."""
        return self.handler.__name__

    @property
    def safe(self) -> bool:
        """Whether it only reads, and has no body."""
        return self.method in SAFE

    @property
    def parameters(self) -> frozenset[str]:
        """What may stand in the query: of a DELETE all that may stand in its body, but for free text."""
        if self.method == "DELETE" and self.takes is not None:
            return names_of(self.takes) - {"reason"}
        return names_of(self.asks)


class Resource:
    """The ASGI app of one path: finds the method, then the caller, then reads the body, then calls the handler."""

    def __init__(self, node: Node, prefix: str, endpoints: Sequence[Endpoint]) -> None:
        self.node = node
        self.path = prefix + endpoints[0].path
        self.methods = Methods({endpoint.method: endpoint for endpoint in endpoints})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if b"%2f" in scope.get("raw_path", b"").lower():
            raise not_found("path")  # a slash that is part of a key: no key has one
        info_of(scope).route = self.path
        endpoint = self.methods.find(scope["method"])
        response = self.methods.told() if endpoint is None else await self._answer(endpoint, scope, receive)
        await response(scope, receive, send)

    async def _answer(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> Response:
        call = await self._read(endpoint, scope, receive)
        response = await endpoint.handler(call)
        if endpoint.safe and (strays := call.strays(endpoint.parameters)):
            raise invalid(strays)
        return response

    async def _read(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> Call:
        await authenticate(self.node, scope, public=endpoint.public)
        if not endpoint.public and isinstance(info_of(scope).actor, Anonymous):
            raise AppError("unauthorized")
        if not endpoint.safe:
            require_own_origin(self.node, scope)
        call = Call(
            node=self.node,
            info=info_of(scope),
            path=scope["path_params"],
            query=QueryParams(scope["query_string"]),
            headers=Headers(scope=scope),
            address=quote(scope["path"]),
            body=None if endpoint.safe else await read_json(scope, receive, last_counts=endpoint.last_counts),
        )
        if endpoint.safe:
            return call
        return call.with_strays(endpoint.parameters)


def routes(node: Node, prefix: str, table: Sequence[Endpoint]) -> list[BaseRoute]:
    """The Starlette routes of the table, whose paths follow the prefix."""
    by_path = groupby(sorted(table, key=lambda endpoint: endpoint.path), key=lambda endpoint: endpoint.path)
    return [Route(path, Resource(node, prefix, list(group))) for path, group in by_path]


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """Where no route leads."""
    raise not_found("path")
