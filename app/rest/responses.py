"""The answers that handlers give: bodies with the headers for caches and preconditions that go with them."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode

import orjson
from starlette.responses import Response

from app.access.etags import body_etag, caller_etag
from app.domain.preconditions import none_match
from app.http.compression import respond
from app.http.headers import BY_CALLER, PRIVATE
from app.rest.requests import RestCall
from app.rest.schemas import Schema, TextSchema
from app.runtime.encoded import Encoded
from app.store.paging import Page

T = TypeVar("T")
_PRIVATE = {"Cache-Control": PRIVATE, "Vary": BY_CALLER}


def json_response(body: bytes, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """Encoded JSON. No cache keeps it unless `headers` say otherwise."""
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def read(call: RestCall, schema: Schema, etag: str | None = None) -> Response:
    """200 with the resource, or 304 when the caller has it. Without a tag of its own its content is the tag."""
    body = schema.encoded()
    return tagged(call, body, etag or body_etag(body))


def written(schema: Schema, etag: str) -> Response:
    """200 with what a write made of the resource, and its new tag."""
    return json_response(schema.encoded(), headers={"ETag": etag})


def created(schema: Schema, location: str, etag: str | None = None) -> Response:
    """201 with the new resource and where it is; with its tag, if it has one."""
    tag = {} if etag is None else {"ETag": etag}
    return json_response(schema.encoded(), HTTPStatus.CREATED, {"Location": location, **tag})


def found(schema: Schema, location: str, etag: str) -> Response:
    """200 with what would have been created, had it not been there already, and where it is."""
    return json_response(schema.encoded(), headers={"Location": location, "ETag": etag})


def accepted(schema: Schema, location: str, etag: str) -> Response:
    """202 with the proposal that was made in the place of a write, and where it is."""
    return json_response(schema.encoded(), HTTPStatus.ACCEPTED, {"Location": location, "ETag": etag})


def no_content() -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT)


def page(
    call: RestCall, found: Page[T], row_id: Callable[[T], str], schema: Callable[[T], Schema | TextSchema]
) -> Response:
    """200 with a list, and `Link` to the next part."""
    body, link = orjson.dumps([schema(row).body() for row in found.rows]), None
    if found.has_next:
        query = [(name, text) for name, text in call.query.multi_items() if name != "cursor"]
        query.append(("cursor", call.node.cursors.of(found, found.rows[-1], row_id)))
        link = f'<{call.node.settings.base_origin}{call.address}?{urlencode(query)}>; rel="next"'
    response = tagged(call, body, caller_etag(call.info.actor, body, str(call.query), link or ""))
    if link is not None:
        response.headers["Link"] = link
    return response


def tagged(call: RestCall, body: bytes, etag: str) -> Response:
    """200 with the encoded body, or 304 when the caller has what the tag names."""
    if none_match(call.lines("If-None-Match"), etag):
        return not_modified(etag)
    return json_response(body, headers={**_PRIVATE, "ETag": etag})


def not_modified(etag: str) -> Response:
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={**_PRIVATE, "ETag": etag})


async def shared(call: RestCall, document: Encoded, *, of_caller: bool = False) -> Response:
    """200 with a document that many get alike, compressed for who accepts that, or 304.

    One `of_caller` is limited to the caller's scope, which its tag tells, too.
    """
    digest = document.digest
    etag = caller_etag(call.info.actor, digest.encode(), str(call.query)) if of_caller else f'"{digest}"'
    return await respond(call.headers, document, etag, "application/json", _PRIVATE)
