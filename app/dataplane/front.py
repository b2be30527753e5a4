"""What SDKs ask most, answered from memory before anything is routed.

The front gives answers, and never refuses: it takes a call on only if its caller, its environment and the environment's
ruleset are in memory, and what is asked needs nothing else. Everything else it hands on to the surfaces, with what it
has done already: a refusal comes from one place, and so does what it rests on.
"""

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from app.dataplane import environments, ofrep
from app.dataplane.calls import Answer, Call
from app.domain.operations import Operation
from app.http.authentication import admit
from app.http.requests import RequestInfo, info_of
from app.runtime.node import Node

_Answering = Callable[[Call], Answer | None]
_EVALUATE, _READ = Operation.EVALUATE, Operation.READ_STATE
_ENVIRONMENTS = "/api/v1/envs/"
_CALLS: Mapping[tuple[str, str], tuple[Operation, _Answering]] = {
    ("GET", "ruleset"): (_READ, environments.ruleset),
    ("POST", "evaluate"): (_EVALUATE, environments.evaluate),
}
_FLAGS = "/ofrep/v1/evaluate/flags"
# What asks for more than the front does, or is refused.
_UNUSUAL = frozenset(
    {b"content-encoding", b"origin", b"x-break-glass", b"x-reason", b"x-signalbox-min-version", b"transfer-encoding"}
)


class Front:
    """`base_path` is that of the base URL."""

    def __init__(self, app: ASGIApp, base_path: str) -> None:
        self.app = app
        self.base_path = base_path
        self._environments = base_path + _ENVIRONMENTS
        self._flags = base_path + _FLAGS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.startswith(self._environments):
                called, _, rest = path[len(self._environments) :].partition("/")
                if (asked := _CALLS.get((scope["method"], rest))) is not None:
                    answer = await _answered(scope, called, "", *asked)
            elif path.startswith(self._flags) and scope["method"] == "POST":
                if path == self._flags:
                    answer = await _answered(scope, None, "", _EVALUATE, ofrep.evaluate_flags)
                elif path[len(self._flags)] == "/":
                    answer = await _answered(scope, None, path[len(self._flags) + 1 :], _EVALUATE, ofrep.evaluate_flag)
        if answer is None:
            await self.app(scope, receive, send)
            return
        info = info_of(scope)
        info.route = answer.route
        answer.headers.extend(info.rate_headers)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})


async def _answered(
    scope: Scope, called: str | None, key: str, operation: Operation, answering: _Answering
) -> Answer | None:
    """The answer, once a request is taken from the token's buckets."""
    node: Node = scope["app"].state.node
    info = info_of(scope)
    call = _known(node, scope, info, operation, called, key)
    return answering(call) if call is not None and await admit(node, info, call.token) else None


def _known(
    node: Node, scope: Scope, info: RequestInfo, operation: Operation, called: str | None, key: str
) -> Call | None:
    """The call, if its caller may do the operation, and all that it rests on is in memory."""
    headers = dict(scope["headers"])
    if len(headers) != len(scope["headers"]) or not _UNUSUAL.isdisjoint(headers) or _is_unusual(scope):
        return None
    if (secret := _secret(headers)) is None or (token := node.api_keys.known(secret)) is None:
        return None
    if token.networks is not None and info.address not in token.networks:
        return None
    if called is None:
        named = headers.get(b"x-signalbox-env")
        called = token.actor.scope.only_environment if named is None else named.decode("latin-1")
    place = None if called is None else node.directory.place(called, token.actor.org_id)
    if place is None or not token.may(operation, place):
        return None
    ruleset = node.rulesets.present(place.environment_id)
    if ruleset is None or not node.database.has_lease:
        return None
    body = scope["signalbox.body"]() if scope["method"] == "POST" else b""
    return None if body is None else Call(headers, token, place, ruleset, node.rulesets, key, body)


def _is_unusual(scope: Scope) -> bool:
    return b"%" in scope["raw_path"] or bool(scope["query_string"]) or "signalbox.body" not in scope


def _secret(headers: Mapping[bytes, bytes]) -> str | None:
    if (authorization := headers.get(b"authorization")) is not None:
        return authorization[7:].decode("latin-1") if authorization[:7] == b"Bearer " else None
    secret = headers.get(b"x-api-key")
    return None if secret is None else secret.decode("latin-1")
