"""What SDKs ask most, answered from memory before anything is routed.

The front gives answers, and never refuses: it takes a call on only if its caller, its environment and the environment's
ruleset are in memory, and what is asked needs nothing else. Everything else it hands on to the surfaces, with what it
has done already: a refusal comes from one place, and so does what it rests on.
"""

from collections.abc import Mapping

import structlog
from starlette.datastructures import State
from starlette.types import Scope

from app.dataplane import environments, ofrep
from app.dataplane.calls import Answer, Answering, Call, Head
from app.domain.ids import digest
from app.domain.operations import Operation
from app.engine.cidrs import Address
from app.http.authentication import admit
from app.http.cors import Origins
from app.http.requests import RequestInfo, Requests, Sender
from app.runtime.node import Node
from app.settings import Settings

log = structlog.get_logger()
Sent = tuple[int, bytes, bytes]
"""Status, lines of headers and body of an answer."""
Asked = tuple[str | None, str, Operation, Answering]
"""What the path calls the environment, if it does; the key that it asks for; what is done, and who answers."""
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
_READ_OF_HEAD = (b"x-signalbox-env", b"content-type", b"accept-encoding", b"if-none-match", b"origin")


class Front:
    """Beside the app: it is asked first. The node is in `state`."""

    def __init__(self, requests: Requests, settings: Settings, state: State) -> None:
        self.requests = requests
        self._state = state
        self._origins = Origins(requests, settings.origins) if settings.origins else None
        self._environments = settings.base_path + _ENVIRONMENTS
        self._flags = settings.base_path + _FLAGS

    def read(self, scope: Scope) -> Head | None:
        """What the head of a request says, if it is that of a call that may be answered from memory."""
        if (asked := self._asked(scope["method"], scope["path"])) is None:
            return None
        headers = dict(scope["headers"])
        if _is_unusual(scope, headers) or (secret := _secret_in(headers)) is None:
            return None
        named = {name: headers[name].decode("latin-1") for name in _READ_OF_HEAD if name in headers}
        env_ref, key, operation, answering = asked
        return Head(
            method=scope["method"],
            operation=operation,
            answering=answering,
            env_ref=named.get(b"x-signalbox-env") if env_ref is None else env_ref,
            key=key,
            secret_hash=digest(secret.decode("latin-1")),
            sender=Sender.named_in(scope["headers"]),
            content_type=named.get(b"content-type"),
            accept_encoding=named.get(b"accept-encoding", ""),
            if_none_match=named.get(b"if-none-match"),
            origin=named.get(b"origin"),
        )

    def answer(
        self, head: Head, client: tuple[str, int] | None, body: bytes, tag: str | None = None
    ) -> Sent | RequestInfo:
        """What is sent to the request; or what is known of it by now, if the app behind has to answer it.

        A `tag` is what stands in place of the one in the head.
        """
        info = self.requests.begin(client, head.sender)
        try:
            answer = self._answer(head, info, body, tag or head.if_none_match)
        except Exception:
            log.exception("the front has failed", requestId=info.request_id)
            return info
        if answer is None or info.taken is None:
            return info
        info.route, status, headers, content = answer
        if self._origins is not None:
            self._origins.complete(headers, head.origin)
        self.requests.log(info, status, head.method)
        return status, self.requests.headers.lines(headers, info.request_id, info.taken), content

    def _answer(self, head: Head, info: RequestInfo, body: bytes, if_none_match: str | None) -> Answer | None:
        """The answer, once a request is taken from the token's buckets."""
        node: Node = self._state.node
        call = _known(node, head, info.address, body, if_none_match)
        return head.answering(call) if call is not None and admit(node, info, call.token) else None

    def _asked(self, method: str, path: str) -> Asked | None:
        """What the path and the method ask for, if it is one of these calls."""
        if path.startswith(self._environments):
            env_ref, _, rest = path[len(self._environments) :].partition("/")
            found = _CALLS.get((method, rest))
            return None if found is None else (env_ref, "", *found)
        if not path.startswith(self._flags) or method != "POST":
            return None
        if path == self._flags:
            return None, "", _EVALUATE, ofrep.evaluate_flags
        if path[len(self._flags)] == "/":
            return None, path[len(self._flags) + 1 :], _EVALUATE, ofrep.evaluate_flag
        return None


def _known(node: Node, head: Head, address: Address | None, body: bytes, if_none_match: str | None) -> Call | None:
    """The call, if its caller may do the operation, and all that it rests on is in memory."""
    token = node.api_keys.known(head.secret_hash)
    if token is None or (token.networks is not None and address not in token.networks):
        return None
    actor = token.actor
    env_ref = actor.scope.only_environment if head.env_ref is None else head.env_ref
    place = None if env_ref is None else node.directory.place(env_ref, actor.org_id)
    if place is None or not token.may(head.operation, place):
        return None
    ruleset = node.rulesets.present(place.environment_id)
    if ruleset is None or not node.database.has_lease:
        return None
    return Call(head, token, place, ruleset, node, body, if_none_match)


def _is_unusual(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether the surfaces must look at it."""
    return (
        len(headers) != len(scope["headers"])
        or not _UNUSUAL.isdisjoint(headers)
        or scope["query_string"]
        or b"%" in scope["raw_path"]
    )


def _secret_in(headers: Mapping[bytes, bytes]) -> bytes | None:
    """What may be a token's."""
    if (authorization := headers.get(b"authorization")) is not None:
        return authorization[7:] if authorization[:7] == b"Bearer " else None
    return headers.get(b"x-api-key")
