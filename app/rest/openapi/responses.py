"""What a call answers: each status with its headers, its body, and the codes that it may carry."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import groupby
from typing import Any

from app.domain.catalogue import CATALOGUE, Entry
from app.domain.errors import SAMPLE_REQUEST_ID, examples, invalid, sample
from app.http.headers import PRIVATE
from app.rest import ofrep
from app.rest.openapi.codes import codes_of
from app.rest.openapi.schemas import Schemas
from app.rest.routing import Endpoint

Json = dict[str, Any]

_TEXT, _NUMBER = {"type": "string"}, {"type": "integer", "minimum": 0}


def _constant(text: str) -> Json:
    return {**_TEXT, "const": text}


HEADERS: dict[str, tuple[str, str, Json, bool]] = {
    "RequestId": ("X-Request-Id", "Names the request in the service's logs.", _TEXT, True),
    "ETag": ("ETag", "The tag that `If-Match` and `If-None-Match` take.", _TEXT, True),
    "Revalidate": (
        "Cache-Control",
        "Revalidate before reuse, with `If-None-Match`. If the answer sets a cookie, it is `no-store`.",
        _constant(PRIVATE),
        True,
    ),
    "NoStore": ("Cache-Control", "Not cacheable.", _constant("no-store"), True),
    "Encoding": ("Content-Encoding", "`gzip`, for those who accept it.", _TEXT, False),
    "Vary": ("Vary", "The answer depends on the credentials.", _TEXT, True),
    "Location": ("Location", "Where the new resource is.", {"type": "string", "format": "uri-reference"}, True),
    "Link": (
        "Link",
        'The next page, `rel="next"`, if there is one. The address is relative where the instance has no base URL.',
        _TEXT,
        False,
    ),
    "Challenge": ("WWW-Authenticate", "What credentials to send.", _TEXT, True),
    "RetryAfter": ("Retry-After", "How many seconds to wait.", {"type": "integer", "minimum": 1}, True),
    "SignedIn": ("Set-Cookie", "The new session, `signalbox_session`.", _TEXT, True),
    "SignedInNow": (
        "Set-Cookie",
        "The new session, `signalbox_session`, if the caller was not signed in.",
        _TEXT,
        False,
    ),
    "SignedOut": ("Set-Cookie", "`signalbox_session`, cleared, if the request carried it.", _TEXT, False),
    "Browser": (
        "Set-Cookie",
        "`signalbox_browser`, for browsers: the link signs in there without a button.",
        _TEXT,
        False,
    ),
    "Renewed": ("Set-Cookie", "`signalbox_session`, from time to time, with a later expiry.", _TEXT, False),
    "Stale": ("Set-Cookie", "`signalbox_session`, cleared, if it was sent and is not a live session.", _TEXT, False),
    "Limit": ("X-RateLimit-Limit", "For tokens: requests a minute.", _NUMBER, False),
    "Remaining": ("X-RateLimit-Remaining", "For tokens: requests left now.", _NUMBER, False),
    "Reset": ("X-RateLimit-Reset", "For tokens: seconds until the limit is full again.", _NUMBER, False),
}
_RATES = ("Limit", "Remaining", "Reset")
_CACHED = ("ETag", "Revalidate", "Vary")
_OF_STATUS: dict[int, tuple[str, ...]] = {
    HTTPStatus.PRECONDITION_FAILED: ("ETag",),
    HTTPStatus.UNAUTHORIZED: ("Challenge", "Stale"),
    HTTPStatus.TOO_MANY_REQUESTS: ("RetryAfter", *_RATES),
    HTTPStatus.SERVICE_UNAVAILABLE: ("RetryAfter",),
}


def components() -> Json:
    """The headers and the examples that responses refer to."""
    headers = {
        name: {"description": description, "schema": schema, "required": required}
        for name, (_, description, schema, required) in HEADERS.items()
    }
    shown = {code: _example(entry) for code, entry in CATALOGUE.items()}
    return {"headers": headers, "examples": shown}


def responses_of(endpoint: Endpoint, schemas: Schemas, *, accepts_if_match: bool, gives_etag: bool) -> Json:
    """The responses by status, as OpenAPI writes them."""
    answers = {str(endpoint.status): _success(endpoint, schemas, gives_etag=gives_etag)}
    if endpoint.finds:
        answers["200"] = {
            "description": "It was there already.",
            "headers": _headers((*_RATES, "NoStore", "ETag", "Location")),
            "content": schemas.answer(endpoint),
        }
    if endpoint.diverts:
        answers["202"] = {
            "description": "The change waits for approval: this is the proposal.",
            "headers": _headers((*_RATES, "NoStore", "ETag", "Location")),
            "content": schemas.proposal(),
        }
    if endpoint.tagged:
        answers["304"] = {"description": "Not modified.", "headers": _headers((*_CACHED, *_RATES))}
    entries = [CATALOGUE[code] for code in codes_of(endpoint, accepts_if_match=accepts_if_match)]
    by_status = groupby(sorted(entries, key=_status), key=_status)
    return answers | {str(status): _refusal(endpoint, status, list(group)) for status, group in by_status}


def _success(endpoint: Endpoint, schemas: Schemas, *, gives_etag: bool) -> Json:
    answer: Json = {
        "description": HTTPStatus(endpoint.status).phrase,
        "headers": _headers(_success_headers(endpoint, gives_etag=gives_etag)),
    }
    if endpoint.status != HTTPStatus.NO_CONTENT:
        answer["content"] = schemas.answer(endpoint)
    return answer


def _success_headers(endpoint: Endpoint, *, gives_etag: bool) -> Iterable[str]:
    yield from (*_RATES, *endpoint.headers)
    if endpoint.tagged:
        yield from _CACHED
    elif endpoint.status != HTTPStatus.NO_CONTENT:
        yield "NoStore"
    if gives_etag:
        yield "ETag"
    if endpoint.status == HTTPStatus.CREATED:
        yield "Location"
    if "cursor" in endpoint.parameters:
        yield "Link"


def _refusal(endpoint: Endpoint, status: int, entries: Sequence[Entry]) -> Json:
    codes = [entry.code for entry in entries]
    narrowed = {"properties": {"code": {"enum": codes}}}
    component, shown = "Error", {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    if endpoint.prefix == ofrep.PREFIX:
        component, shown = "OpenFeatureError", {entry.code: _of_protocol(endpoint, entry) for entry in entries}
    return {
        "description": "\n".join(f"- `{entry.code}`: {entry.title}." for entry in entries),
        "headers": _headers(("NoStore", *_OF_STATUS.get(status, ()))),
        "content": {
            "application/json": {
                "schema": {"allOf": [{"$ref": f"#/components/schemas/{component}"}, narrowed]},
                "examples": shown,
            }
        },
    }


def _headers(names: Iterable[str]) -> Json:
    """The headers by name. If an answer sets its own cookie, that is the one described."""
    always = ("RequestId", "Renewed")
    return {HEADERS[name][0]: {"$ref": f"#/components/headers/{name}"} for name in (*always, *names)}


def _example(entry: Entry) -> Json:
    return {"summary": entry.title, "description": entry.action, "value": examples(entry)["rest"]}


def _of_protocol(endpoint: Endpoint, entry: Entry) -> Json:
    key = "checkout" if "{key}" in endpoint.path else ""
    wrong = {"context.targetingKey": "Must be a string."}
    error = invalid(wrong) if entry.code == "invalid_request" else sample(entry)
    return {**_example(entry), "value": ofrep.body_of(error, SAMPLE_REQUEST_ID, key)}


def _status(entry: Entry) -> int:
    return entry.status
