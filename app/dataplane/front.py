"""What SDKs ask most, answered from memory before anything is routed.

The front gives answers, and never refuses: it takes a call on only if its caller, its environment and the environment's
ruleset are in memory, and what is asked needs nothing else. Everything else it hands on to the surfaces, with what it
has done already: a refusal comes from one place, and so does what it rests on.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.etags import caller_etag
from app.access.known import may, sees
from app.domain.operations import Operation
from app.domain.policy import AskedKey, sees_rule_names
from app.engine import json_text
from app.engine.answers import answer, members_of
from app.engine.ruleset import Ruleset
from app.engine.work import TooLong, TooManyComparisons
from app.http.authentication import admit
from app.http.bodies import MAX_AT_ONCE
from app.http.compression import terms
from app.http.requests import RequestInfo, info_of
from app.runtime.credentials import LiveApiKey
from app.runtime.node import Node
from app.services.evaluation import EVALUABLE, STEPS, asks_for_all, outcomes, plainly
from app.store.resolve import Place

Headers = list[tuple[bytes, bytes]]


class Asked(NamedTuple):
    """A call that the front may answer: `answer` does, if it can."""

    operation: Operation
    route: str
    answer: Callable[["Call"], "Answer | None"]


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes = b""


class Call(NamedTuple):
    """A call by a known caller for a known ruleset, admitted, with its body."""

    node: Node
    headers: Mapping[bytes, bytes]
    key: LiveApiKey
    place: Place
    ruleset: Ruleset
    body: bytes


class Front:
    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix
        self._environments = f"{prefix}/envs/"
        self._calls = {
            ("GET", "ruleset"): Asked(Operation.READ_STATE, f"{prefix}/envs/{{env_id}}/ruleset", ruleset_answer),
            ("POST", "evaluate"): Asked(Operation.EVALUATE, f"{prefix}/envs/{{env_id}}/evaluate", evaluate_answer),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked, called = None, ""
        if (
            scope["type"] == "http"
            and (path := scope["path"]).startswith(self._environments)
            and b"%" not in scope["raw_path"]
        ):
            called, _, rest = path[len(self._environments) :].partition("/")
            asked = self._calls.get((scope["method"], rest))
        if asked is None:
            await self.app(scope, receive, send)
            return
        node, info = scope["app"].state.node, info_of(scope)
        known = _known(node, scope, info, asked.operation, called)
        if known is None or not await admit(node, info, known.key):
            await self.app(scope, receive, send)
            return
        if (given := asked.answer(known)) is None:
            await self.app(scope, receive, send)
            return
        info.route = asked.route
        given.headers.extend(info.rate_headers)
        await send({"type": "http.response.start", "status": given.status, "headers": given.headers})
        await send({"type": "http.response.body", "body": given.body})


# What asks for more than the front does, or is refused.
_UNUSUAL = frozenset(
    {b"content-encoding", b"origin", b"x-break-glass", b"x-reason", b"x-signalbox-min-version", b"transfer-encoding"}
)


def _known(node: Node, scope: Scope, info: RequestInfo, operation: Operation, called: str) -> Call | None:
    """The call, if its caller may do what it asks for, and all that it rests on is in memory."""
    headers = dict(scope["headers"])
    if (
        "signalbox.body" not in scope
        or scope["query_string"]
        or len(headers) != len(scope["headers"])
        or not _UNUSUAL.isdisjoint(headers)
    ):
        return None
    if not node.database.has_lease or (secret := _secret(headers)) is None:
        return None
    if (key := node.api_keys.known(secret)) is None or not (key.networks is None or info.address in key.networks):
        return None
    if (place := node.directory.place(called, key.actor.org_id)) is None or not key.may(operation, place):
        return None
    if (ruleset := node.rulesets.present(place.environment_id)) is None:
        return None
    body = scope["signalbox.body"]() if scope["method"] == "POST" else b""
    return None if body is None else Call(node, headers, key, place, ruleset, body)


def _secret(headers: Mapping[bytes, bytes]) -> str | None:
    if (authorization := headers.get(b"authorization")) is not None:
        return authorization[7:].decode("latin-1") if authorization[:7] == b"Bearer " else None
    found = headers.get(b"x-api-key")
    return None if found is None else found.decode("latin-1")


_JSON = (b"content-type", b"application/json")
_NO_STORE = (b"cache-control", b"no-store")
_PRIVATE = (b"cache-control", b"private, no-cache")
_VARY = (b"vary", b"Authorization, X-API-Key, Cookie, Accept-Encoding")


def evaluate_answer(call: Call) -> Answer | None:
    """The evaluations that a plain body asks for, if they do not take long."""
    if (plain := _plain(call)) is None:
        return None
    (context, keys), actor, ruleset = plain, call.key.actor, call.ruleset.compiled
    if asks_for_all(keys):
        if ruleset.steps > STEPS:
            return None
    elif not call.key.sees_all:
        asked = tuple(AskedKey(EVALUABLE, key) for key in keys or ())
        if not may(actor, Operation.EVALUATE, call.place, asked):
            return None
    seen = None if call.key.sees_all else partial(sees, actor)
    try:
        found = outcomes(ruleset.call(context, STEPS), keys, seen)
    except (TooLong, TooManyComparisons):
        return None
    body = answer(ruleset, members_of(found, names=sees_rule_names(actor)))
    return Answer(200, [_NO_STORE, (b"content-length", b"%d" % len(body)), _JSON], body)


def _plain(call: Call) -> tuple[dict[str, Any], list[str] | None] | None:
    if call.headers.get(b"content-type") != b"application/json" or len(call.body) > MAX_AT_ONCE:
        return None
    try:
        return plainly(json_text.decode(call.body, allow_duplicate_keys=True), len(call.body))
    except json_text.BadJson:
        return None


def ruleset_answer(call: Call) -> Answer | None:
    """The ruleset as far as the token may read it, or 304, if it is encoded already."""
    key = call.key
    document = call.node.rulesets.already_encoded(call.ruleset, None if key.sees_all else key.actor.resources)
    if document is None:
        return None
    has, accepted = call.headers.get(b"if-none-match"), call.headers.get(b"accept-encoding", b"")
    of_caller = terms(
        document,
        caller_etag(key.actor, document.digest.encode(), ""),
        accepted.decode("latin-1"),
        None if has is None else has.decode("latin-1"),
    )
    headers = [_PRIVATE, _VARY, (b"etag", of_caller.etag.encode())]
    if of_caller.unchanged:
        return Answer(304, headers)
    body: bytes | None = document.body
    if of_caller.gzip:
        body = document.compressed
        headers.append((b"content-encoding", b"gzip"))
    if body is None:
        return None
    return Answer(200, [*headers, (b"content-length", b"%d" % len(body)), _JSON], body)
