"""GraphQL over HTTP: POST, GET for queries, both media types, and every failure from the catalogue."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app.domain.errors import MAX_FIELDS_BYTES, AppError, extensions_of, invalid, invalid_at
from app.engine import json_text
from app.graphql.context import Context
from app.graphql.errors import error_entry, failure_of
from app.graphql.pace import Turns
from app.graphql.schema import schema
from app.graphql.variables import inputs_of
from app.http.accept import JSON, NAMED, prefers_page, rank
from app.http.authentication import authenticate, require_own_origin
from app.http.bodies import decode, read_json, refusal_of
from app.http.browsers import asking_browser, remember_browser
from app.http.cookies import SESSION, set_cookie
from app.http.failures import Failures
from app.http.methods import Methods
from app.http.requests import RequestInfo, info_of
from app.runtime.node import Node

PATH = "/graphql"
METHODS = Methods({"GET": True, "POST": False})  # whether the method is for queries only
SUBPROTOCOL = "graphql-transport-ws"
RESPONSE_JSON = "application/graphql-response+json"
_VARIABLE = re.compile(r"variables\.(\w+)\.")
_MEMBERS: dict[str, type] = {"query": str, "operationName": str, "variables": dict, "extensions": dict}
_MUST_BE: dict[type, str] = {str: "Must be a string.", dict: "Must be an object."}


@dataclass(frozen=True, slots=True)
class Params:
    """What GraphQL over HTTP sends: the document, and what it is run with."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]


class View:
    """The ASGI app at `/graphql`. `explorer` makes the page that a browser is shown."""

    def __init__(self, node: Node, turns: Turns, explorer: Callable[[], Response]) -> None:
        self.node = node
        self.turns = turns
        self.explorer = explorer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info_of(scope).route = PATH
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        queries_only = METHODS.find(scope["method"])
        if queries_only is None:
            return METHODS.options_response()
        await authenticate(self.node, scope)
        if queries_only and prefers_page(Headers(scope=scope), RESPONSE_JSON):
            return self.explorer()
        if queries_only:
            params = params_of(_from_query(QueryParams(scope["query_string"])))
        else:
            require_own_origin(self.node, scope)
            params = params_of(await read_json(scope, receive, _decode_body))
        return await self._run(scope, receive, params, queries_only=queries_only)

    async def _run(self, scope: Scope, receive: Receive, params: Params, *, queries_only: bool) -> Response:
        info = info_of(scope)
        browser = asking_browser(self.node, Headers(scope=scope))
        allowed = {OperationType.QUERY} if queries_only else {OperationType.QUERY, OperationType.MUTATION}
        try:
            with self.turns.document() as pace:
                context = Context(self.node, info, pace, receive, browser)
                result = await schema.execute(
                    params.query, params.variables, context, None, params.operation_name, allowed
                )
        except CannotGetOperationTypeError as fault:
            raise invalid({"operationName": fault.as_http_error_reason()}) from None
        except InvalidOperationTypeError as fault:
            raise _wrong_operation(fault, queries_only=queries_only) from None
        response = _result(result, info, _media_type(scope))
        if context.cookie is not None:
            set_cookie(self.node.settings, response, SESSION, context.cookie)
        if context.remembered:
            remember_browser(self.node, response, browser)
        return response


def build(node: Node, turns: Turns, explorer: Callable[[], Response]) -> ASGIApp:
    """The view with its failures rendered."""
    return Failures(View(node, turns, explorer), refusal)


def refusal(error: AppError, request_id: str) -> Response:
    """What is refused before a document runs: `errors` without `data`, with REST's status and headers."""
    entry = {"message": error.message, "extensions": extensions_of(error, request_id)}
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(orjson.dumps({"errors": [entry]}), error.status, headers, JSON)


def _result(result: ExecutionResult, info: RequestInfo, media_type: str) -> Response:
    body: dict[str, Any] = {}
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    if result.errors:
        failures = [(error, failure_of(error)) for error in result.errors]
        share = MAX_FIELDS_BYTES // len(failures)
        body["errors"] = [error_entry(error, failure, info.request_id, share) for error, failure in failures]
        info.code = failures[0][1].code
        if wait := max(int(failure.headers.get("Retry-After", 0)) for _, failure in failures):
            headers["Retry-After"] = str(wait)
    if result.data is not None:
        body["data"] = result.data
    return Response(json_text.dump(body), _status(body, media_type), headers, media_type)


def _status(body: dict[str, Any], media_type: str) -> int:
    """200 once something was run. Plain JSON has it for faults of the document too, as the specification says."""
    if "data" in body:
        return HTTPStatus.OK
    worst: int = max(error["extensions"]["status"] for error in body["errors"])
    return HTTPStatus.OK if worst == HTTPStatus.BAD_REQUEST and media_type == JSON else worst


def params_of(body: Any) -> Params:
    """Raises `invalid_request` with every fault."""
    if not isinstance(body, dict):
        raise invalid_at("body", "The body must be one JSON object; batches are not taken.")
    faults = {name: _MUST_BE[kind] for name, kind in _MEMBERS.items() if not _fits(body.get(name), kind)}
    if not body.get("query"):
        faults.setdefault("query", "Is required.")
    if faults:
        raise invalid(faults)
    return Params(body["query"], body.get("operationName"), body.get("variables") or {})


def _fits(value: Any, kind: type) -> bool:
    return value is None or isinstance(value, kind)


def _decode_body(data: bytes) -> Any:
    """The body. Its `variables` hold what is REST's body, hence two levels more."""
    try:
        return json_text.decode(data, max_depth=json_text.MAX_DEPTH + 2)
    except json_text.BadJson as fault:
        error, body = refusal_of(fault, "body"), fault.value
        raise _within_input(error, dict(body) if isinstance(body, tuple) else {}) from None


def _from_query(parameters: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = dict(parameters)
    for name in ("variables", "extensions"):
        if name in body:
            body[name] = _decoded(body[name], f"?{name}", parameters) if body[name] else None
    return body


def _decoded(text: str, place: str, parameters: Mapping[str, str]) -> Any:
    try:
        return decode(text.encode("utf-8", "surrogatepass"), place, max_depth=json_text.MAX_DEPTH + 1)
    except AppError as error:
        fields = {path if path == place else f"{place[1:]}.{path}": message for path, message in error.fields.items()}
        raise _within_input(invalid(fields, error.message), parameters) from None


def _within_input(error: AppError, body: Mapping[str, Any]) -> AppError:
    """The refusal of a body. Paths in what is an operation's `input` begin below it, as REST has them."""
    if not any(map(_VARIABLE.match, error.fields)):
        return error
    inputs = inputs_of(schema._schema, body.get("query"), body.get("operationName"))  # noqa: SLF001

    def shown(path: str) -> str:
        variable = _VARIABLE.match(path)
        return path[variable.end() :] if variable and variable[1] in inputs else path

    return invalid({shown(path): message for path, message in error.fields.items()}, error.message)


def _wrong_operation(fault: InvalidOperationTypeError, *, queries_only: bool) -> AppError:
    if queries_only and fault.operation_type is OperationType.MUTATION:
        return AppError("method_not_allowed", "A mutation takes POST.", headers={"Allow": "POST"})
    return invalid_at("query", f"A subscription takes a WebSocket to this address, with the subprotocol {SUBPROTOCOL}.")


def _media_type(scope: Scope) -> str:
    """The newer media type where the caller names it and does not prefer plain JSON, which everybody reads."""
    headers = Headers(scope=scope)
    newer = rank(headers, RESPONSE_JSON)
    return RESPONSE_JSON if newer.specificity == NAMED and newer >= rank(headers, JSON) and newer.quality > 0 else JSON
