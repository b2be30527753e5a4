"""What SDKs ask most, answered from memory before anything is routed.

The front gives answers, and never refuses: it takes a call on only if its caller, its environment and the environment's
ruleset are in memory, and what is asked needs nothing else. Everything else it hands on to the surfaces, with what it
has done already: a refusal comes from one place, and so does what it rests on.
"""

from collections.abc import Callable, Mapping

import structlog
from starlette.datastructures import Headers, State
from starlette.types import Scope

from app.dataplane import environments, ofrep
from app.dataplane.calls import Answer, Call
from app.domain.operations import Operation
from app.http.authentication import admit
from app.http.cors import Origins
from app.http.requests import RequestInfo, Requests
from app.runtime.credentials import LiveApiKey
from app.runtime.node import Node
from app.settings import Settings

log = structlog.get_logger()
Sent = tuple[int, bytes, bytes]
"""Status, lines of headers and body of an answer."""
Answering = Callable[[Call], Answer | None]
Asked = tuple[str | None, str, Operation, Answering]
"""What the environment is called, if the path says it; the key that it asks for; what is done, and who answers."""
_EVALUATE, _READ = Operation.EVALUATE, Operation.READ_STATE
_ENVIRONMENTS = "/api/v1/envs/"
_CALLS: Mapping[tuple[str, str], tuple[Operation, Answering]] = {
    ("GET", "ruleset"): (_READ, environments.ruleset),
    ("POST", "evaluate"): (_EVALUATE, environments.evaluate),
}
_FLAGS = "/ofrep/v1/evaluate/flags"
# What asks for more than the front does, or is refused.
_UNUSUAL = frozenset(
    {b"content-encoding", b"x-break-glass", b"x-reason", b"x-signalbox-min-version", b"transfer-encoding"}
)


class Front:
    """Beside the app: it is asked first. The node is in `state`."""

    def __init__(self, requests: Requests, settings: Settings, state: State) -> None:
        self.requests = requests
        self._state = state
        self._origins = Origins(requests, settings.origins) if settings.origins else None
        self._environments = settings.base_path + _ENVIRONMENTS
        self._flags = settings.base_path + _FLAGS

    def answer(self, scope: Scope) -> Sent | None:
        """What is sent to the request, whose body is in the scope; None if the app behind has to answer it."""
        if (asked := self._asked(scope)) is None:
            return None
        info = self.requests.begin(scope)
        try:
            answer = self._answer(scope, info, *asked)
        except Exception:
            log.exception("the front has failed", requestId=info.request_id)
            return None
        if answer is None:
            return None
        info.route, status, headers, body = answer
        if self._origins is not None:
            self._origins.complete(headers, Headers(scope=scope).get("origin"))
        self.requests.log(info, status, scope["method"])
        headers += info.rate_headers
        return status, self.requests.headers.lines(headers, info.request_id), body

    def _answer(
        self, scope: Scope, info: RequestInfo, called: str | None, key: str, operation: Operation, answering: Answering
    ) -> Answer | None:
        """The answer, once a request is taken from the token's buckets."""
        node: Node = self._state.node
        call = _known(node, scope, info, operation, called, key)
        return answering(call) if call is not None and admit(node, info, call.token) else None

    def _asked(self, scope: Scope) -> Asked | None:
        """What the path and the method ask for, if it is one of these calls."""
        path: str = scope["path"]
        if path.startswith(self._environments):
            called, _, rest = path[len(self._environments) :].partition("/")
            found = _CALLS.get((scope["method"], rest))
            return None if found is None else (called, "", *found)
        if not path.startswith(self._flags) or scope["method"] != "POST":
            return None
        if path == self._flags:
            return None, "", _EVALUATE, ofrep.evaluate_flags
        if path[len(self._flags)] == "/":
            return None, path[len(self._flags) + 1 :], _EVALUATE, ofrep.evaluate_flag
        return None


def _known(
    node: Node, scope: Scope, info: RequestInfo, operation: Operation, called: str | None, key: str
) -> Call | None:
    """The call, if its caller may do the operation, and all that it rests on is in memory."""
    headers = dict(scope["headers"])
    if _is_unusual(scope, headers) or (token := _token(node, info, headers)) is None:
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
    return Call(headers, token, place, ruleset, node.rulesets, key, scope["signalbox.body"])


def _is_unusual(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether the surfaces must look at it."""
    return (
        len(headers) != len(scope["headers"])
        or not _UNUSUAL.isdisjoint(headers)
        or scope["query_string"]
        or b"%" in scope["raw_path"]
    )


def _token(node: Node, info: RequestInfo, headers: Mapping[bytes, bytes]) -> LiveApiKey | None:
    """The caller, if it is a token that is in memory and may come from where it comes from."""
    if (authorization := headers.get(b"authorization")) is not None:
        secret = authorization[7:] if authorization[:7] == b"Bearer " else None
    else:
        secret = headers.get(b"x-api-key")
    token = None if secret is None else node.api_keys.known(secret.decode("latin-1"))
    if token is None or token.networks is None or info.address in token.networks:
        return token
    return None
