"""From one route table to one ASGI app a path, which dispatches by method; checks in one order for all of them."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from itertools import groupby
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.domain.actors import Anonymous
from app.domain.commands import Command, NoBody, lists_of, names_of, validate
from app.domain.errors import AppError, not_found
from app.domain.named import needs_of
from app.domain.operations import Operation
from app.domain.policy import TABLE, Approval
from app.http.authentication import authenticate, authenticate_by_ticket, require_own_origin
from app.http.bodies import MAX_BODY, MAX_LONG_BODY, decode, decode_long, json_of, read
from app.http.departures import unless_gone
from app.http.methods import Methods
from app.http.requests import info_of
from app.rest.requests import RestCall, input_of_read, input_of_write, text_of
from app.rest.responses import shared
from app.rest.schemas import Schema, TextSchema
from app.runtime.encoded import Encoded
from app.runtime.node import Node
from app.services.streams import StreamParameters
from app.store.unit_of_work import UnitOfWork

Handler = Callable[[RestCall, UnitOfWork], Awaitable[Response]]
"""Parses the call, calls a service, shapes the answer.

It runs inside the call's unit of work, so what it answers with must be final before the commit: versions, revisions
and tags are, for they are set when the change is made. The answer is sent after the commit, or never.
"""
PREFIX = "/api/v1"
SAFE = {"GET", "HEAD", "OPTIONS"}
BREAK_GLASS = "X-Break-Glass"


@dataclass(frozen=True, slots=True)
class Constant:
    """Takes the place of a handler if every caller gets the same answer: no unit of work is opened for it.

    The answer may depend on the base URL's path.
    """

    encoded: Callable[[str], Encoded]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the route table: all that the router, the OpenAPI document and the table of parity know of a call.

    `name` is the `operationId` of the OpenAPI document, `tag` its group there. `operation` is the
    row of the policy that is asked, None for none (`public`: no caller is needed either). `extra_operations` are asked
    too for some contents of the call. `body` and `query` are what may be sent, `response` what a success holds
    (`is_list`: a list of it). `errors` and `headers` are those that do not follow from the rest of the row.
    `allow_duplicate_keys`: the last of a key's values in a body counts, for callers that pass contexts on. `long`: a
    preview, which has a long body and takes long: an actor has few at once, and one ends when its client goes away.
    `finds`: what it would create may be there already; then it is answered with that, and 200.
    `takes` are request headers of its own, by their names in the OpenAPI document. `path` follows the `prefix`.
    """

    name: str
    method: str
    path: str
    handler: Handler | Constant
    summary: str
    operation: Operation | None = None
    body: type[Command] | None = None
    response: type[Schema] | type[TextSchema] | None = None
    status: int = 200
    public: bool = False
    allow_duplicate_keys: bool = False
    long: bool = False
    is_list: bool = False
    finds: bool = False
    query: type[Command] = NoBody
    extra_operations: tuple[Operation, ...] = ()
    errors: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    tag: str = ""
    prefix: str = PREFIX

    @property
    def address(self) -> str:
        """The whole path."""
        return self.prefix + self.path

    @property
    def tagged(self) -> bool:
        """Whether its answer has a tag, and is 304 for who has it."""
        return (self.safe and not self.is_stream) or "IfNoneMatch" in self.takes

    @property
    def is_stream(self) -> bool:
        """Whether its answer is server-sent events, which may be asked for with a ticket."""
        return self.query is StreamParameters

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The rows of the policy that are asked, those included that only some contents of the call ask for."""
        own = () if self.operation is None else (self.operation,)
        needed = () if self.body is None else needs_of(self.body)
        return tuple(dict.fromkeys((*own, *needed, *self.extra_operations)))

    @property
    def diverts(self) -> bool:
        """Whether the call may be answered with a proposal instead."""
        row = None if self.operation is None else TABLE[self.operation]
        return row is not None and Approval.DIVERT in {row.for_tokens, row.protected}

    @property
    def overridable(self) -> bool:
        """Whether it takes `X-Break-Glass`: a create does not, as a new environment is not protected yet."""
        rows = [TABLE[operation] for operation in self.operations]
        return self.status != HTTPStatus.CREATED and (
            self.diverts or any(row.protected is not Approval.PASS for row in rows)
        )

    safe: bool = field(init=False)
    """Whether it only reads, and has no body."""
    parameters: frozenset[str] = field(init=False)
    """What the query may hold: for a DELETE all that its body may hold, except free text."""
    repeatable: frozenset[str] = field(init=False)
    """What the query of a read may hold more than once."""

    def __post_init__(self) -> None:
        names = names_of(self.query)
        if self.method == "DELETE" and self.body is not None:
            names = names_of(self.body) - {"reason"}
        object.__setattr__(self, "safe", self.method in SAFE)
        object.__setattr__(self, "parameters", names)
        object.__setattr__(self, "repeatable", lists_of(self.query))


class Resource:
    """The ASGI app of one path: finds the method, then the caller, then reads the body, then calls the handler."""

    def __init__(self, node: Node, endpoints: Sequence[Endpoint]) -> None:
        self.node = node
        self.path = endpoints[0].address
        self.methods = Methods({endpoint.method: endpoint for endpoint in endpoints})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if b"%2f" in scope.get("raw_path", b"").lower():
            raise not_found("path")  # a slash that is part of a key: no key has one
        info_of(scope).route = self.path
        endpoint = self.methods.find(scope["method"])
        response = self.methods.options_response() if endpoint is None else await self._answer(endpoint, scope, receive)
        await response(scope, receive, send)

    async def _answer(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> Response:
        if endpoint.is_stream and (ticket := QueryParams(scope["query_string"]).get("ticket")):
            await authenticate_by_ticket(self.node, scope, ticket, once=endpoint.prefix == PREFIX)
        else:
            await authenticate(self.node, scope)
        actor = info_of(scope).actor
        if not endpoint.public and isinstance(actor, Anonymous):
            raise AppError("unauthorized", actor.reason)
        with self.node.previews.one(actor) if endpoint.long else nullcontext():
            call = await self._read(endpoint, scope, receive)
            if isinstance(endpoint.handler, Constant):
                validate(endpoint.query, call.input)
                return await shared(call, endpoint.handler.encoded(self.node.settings.base_path))
            answer = self._handle(endpoint, endpoint.handler, call)
            return await (unless_gone(receive, answer) if endpoint.long else answer)

    async def _handle(self, endpoint: Endpoint, handler: Handler, call: RestCall) -> Response:
        async with call.unit() as uow:
            response = await handler(call, uow)
            if endpoint.safe and endpoint.query is NoBody:
                # Parameters come after the ids and the caller's role, which are all that such a read checks.
                validate(NoBody, call.input)
        return response

    async def _read(self, endpoint: Endpoint, scope: Scope, receive: Receive) -> RestCall:
        headers, query = Headers(scope=scope), QueryParams(scope["query_string"])
        body, break_glass = b"", None
        if endpoint.safe:
            given: Any = input_of_read(query, endpoint.parameters, endpoint.repeatable)
        else:
            require_own_origin(self.node, scope)
            short = partial(decode, allow_duplicate_keys=endpoint.allow_duplicate_keys)
            decoder, limit = (decode_long, MAX_LONG_BODY) if endpoint.long else (short, MAX_BODY)
            body = await read(scope, receive, limit)
            given = await json_of(body, scope, decoder)
            faults: dict[str, str] = {}
            reason, break_glass = (text_of(headers, name, faults) for name in ("X-Reason", BREAK_GLASS))
            if BREAK_GLASS in headers and not endpoint.overridable:
                faults[BREAK_GLASS] = "This call overrides no protection. Leave the header out."
            if endpoint.method != "DELETE":
                reason = None  # it has one in its body
            members = query
            if query and endpoint.method != "DELETE":  # its known parameters are no members of the body
                members = QueryParams([one for one in query.multi_items() if one[0] not in endpoint.parameters])
            if members or reason is not None or faults:
                given = input_of_write(given, members, endpoint.parameters, reason, faults)
        return RestCall(
            node=self.node,
            info=info_of(scope),
            path=scope["path_params"],
            query=query,
            headers=headers,
            address=quote(scope["path"]),
            body=body,
            input=given,
            break_glass=break_glass,
        )


def resources(node: Node, prefix: str, table: Iterable[Endpoint]) -> dict[str, Resource]:
    """What has the prefix, by its path below it."""
    below = sorted((one for one in table if one.prefix == prefix), key=lambda endpoint: endpoint.path)
    by_path = groupby(below, key=lambda endpoint: endpoint.path)
    return {path: Resource(node, list(group)) for path, group in by_path}
