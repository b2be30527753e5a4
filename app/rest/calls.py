"""A REST call as handlers see it, and the answers they give."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from starlette.datastructures import URL, Headers, QueryParams
from starlette.responses import Response

from app.domain.errors import AppError, envelope
from app.domain.inputs import said
from app.domain.preconditions import IfMatch, none_match
from app.middleware.requests import RequestInfo
from app.rest.shapes import Shape
from app.services.listing import Listing
from app.serving.node import Node
from app.store.paging import Page
from app.store.unit_of_work import UnitOfWork

T = TypeVar("T")
PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization, X-API-Key, Cookie"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, routed, authenticated and read."""

    node: Node
    info: RequestInfo
    path: Mapping[str, str]
    query: QueryParams
    headers: Headers
    url: URL
    body: Any | None

    def unit(self) -> UnitOfWork:
        """The call's unit of work."""
        return self.node.unit(self.info.request_id, self.info.actor, self._said("X-Break-Glass"))

    @property
    def deletion(self) -> Any:
        """The body of a DELETE, with what may stand in the query or a header instead."""
        if not isinstance(self.body, dict | None):
            return self.body
        reason = self._said("X-Reason")
        return {**self.query, **(self.body or {}), **({} if reason is None else {"reason": reason})}

    def _said(self, header: str) -> str | None:
        """A header of free text, which people send as UTF-8."""
        if (raw := self.headers.get(header)) is None:
            return None
        return said(raw.encode("latin-1").decode("utf-8", "replace"), header)

    @property
    def if_match(self) -> IfMatch:
        """The precondition."""
        return IfMatch(self.headers.get("if-match"))

    def listing(self) -> Listing:
        """The part of a list that is asked for."""
        return Listing(self.node.cursors, dict(self.query))

    def read(self, shape: Shape, etag: str | None = None) -> Response:
        """200 with the resource, or 304 when the caller has it."""
        return self.tagged(shape.encoded(), etag)

    def written(self, shape: Shape, etag: str | None = None) -> Response:
        """200 with what a write made of the resource, and its new tag."""
        return json_response(shape.encoded(), headers=_etag(etag))

    def created(self, shape: Shape, location: str, etag: str) -> Response:
        """201 with the new resource and where it is."""
        return json_response(shape.encoded(), 201, {"Location": location, "ETag": etag})

    def page(self, page: Page[T], row_id: Callable[[T], str], shape: Callable[[T], Shape]) -> Response:
        """200 with a list, newest last, and `Link` to the next part."""
        body = orjson.dumps([shape(row).body() for row in page.rows])
        response = self.tagged(body, body_etag(body))
        if page.has_next:
            query = {**self.query, "cursor": self.node.cursors.encode(row_id(page.rows[-1]))}
            response.headers["Link"] = f'<{self.url.path}?{urlencode(query)}>; rel="next"'
        return response

    def tagged(self, body: bytes, etag: str | None) -> Response:
        """200 with the encoded body, or 304 when the caller has what the tag names."""
        headers = {**PRIVATE, **_etag(etag)}
        if etag is not None and none_match(self.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers=headers)
        return json_response(body, headers=headers)


def json_response(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of encoded JSON."""
    return Response(body, status, headers, "application/json")


def refusal(error: AppError, request_id: str) -> Response:
    """The envelope of a failure, with the catalogue's status."""
    return json_response(orjson.dumps(envelope(error, request_id)), error.status, error.headers)


def body_etag(body: bytes) -> str:
    """The tag of an answer that has no version of its own: it tells the content."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def _etag(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"ETag": etag}
