"""A REST call as handlers see it, and the answers they give."""

import hashlib
from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import orjson
from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response

from app.access.paging import Listing
from app.domain.actors import Token
from app.domain.commands import UncheckedText
from app.domain.preconditions import IfMatch, none_match
from app.http.requests import RequestInfo
from app.rest.schemas import Schema
from app.runtime.node import Node
from app.services.throttling import ClientContext
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
    address: str
    body: Any

    def client(self, browser: str | None = None) -> ClientContext:
        return self.node.client(self.info.address, browser)

    def unit(self) -> UnitOfWork:
        """The call's unit of work."""
        return self.node.unit(self.info.request_id, self.info.actor, self._break_glass())

    @property
    def deletion(self) -> Any:
        """The body of a DELETE, with what may stand in the query or a header instead.

        Of what contradicts itself nothing is left but the empty text, which nothing takes.
        """
        if not isinstance(self.body, dict):
            return self.body
        reason = self._text("X-Reason")
        contradictory = {name: "" for name, text in self.query.items() if not _says(self.body.get(name, text), text)}
        return {**self.query, **self.body, **contradictory, **({} if reason is None else {"reason": reason})}

    def unknown_params(self, known: Container[str]) -> dict[str, str]:
        """The parameters that are unknown or stand twice, and what is wrong with them."""
        counted = Counter(name for name, _ in self.query.multi_items())
        unknown = {name: "Unknown parameter." for name in counted if name not in known}
        return unknown | {name: "Stands twice." for name in counted if counted[name] > 1 and name in known}

    def with_unknown_params(self, known: Container[str]) -> Self:
        """The call of a write, whose body holds stray parameters as `?name`: refused when the body's turn comes."""
        unknown_params = self.unknown_params(known)
        if not unknown_params or not isinstance(self.body, dict):
            return self
        query = QueryParams([one for one in self.query.multi_items() if one[0] not in unknown_params])
        return replace(self, query=query, body={**self.body, **{f"?{name}": None for name in unknown_params}})

    def _break_glass(self) -> UncheckedText | None:
        reason = self._text("X-Break-Glass")
        return None if reason is None else UncheckedText(reason, "X-Break-Glass")

    def _lines(self, header: str) -> str | None:
        """A header that is a list, which may stand on several lines."""
        return ", ".join(self.headers.getlist(header)) or self.headers.get(header)

    def _text(self, header: str) -> str | None:
        """A header of free text, which people send as UTF-8."""
        raw = self.headers.get(header)
        return None if raw is None else raw.encode("latin-1").decode("utf-8", "replace")

    @property
    def if_match(self) -> IfMatch:
        return IfMatch(self._lines("If-Match"))

    def listing(self) -> Listing:
        """The part of a list that is asked for."""
        return Listing(self.node.cursors, dict(self.query))

    def read(self, shape: Schema, etag: str | None = None) -> Response:
        """200 with the resource, or 304 when the caller has it. What has no tag of its own is told by its content."""
        body = shape.encoded()
        return self.tagged(body, etag or body_etag(body))

    def written(self, shape: Schema, etag: str) -> Response:
        """200 with what a write made of the resource, and its new tag."""
        return json_response(shape.encoded(), headers={"ETag": etag})

    def created(self, shape: Schema, location: str, etag: str) -> Response:
        """201 with the new resource and where it is."""
        return json_response(shape.encoded(), 201, {"Location": location, "ETag": etag})

    def page(self, page: Page[T], row_id: Callable[[T], str], shape: Callable[[T], Schema]) -> Response:
        """200 with a list, newest last, and `Link` to the next part."""
        body, link = orjson.dumps([shape(row).body() for row in page.rows]), None
        if page.has_next:
            query = {**self.query, "cursor": self.node.cursors.encode(row_id(page.rows[-1]))}
            link = f'<{self.address}?{urlencode(query)}>; rel="next"'
        response = self.tagged(body, self.seen_etag(body, str(self.query), link or ""))
        if link is not None:
            response.headers["Link"] = link
        return response

    def seen_etag(self, body: bytes, *asked: str) -> str:
        """The tag of what is cut down to the caller's scope, and to what was asked for."""
        scope = self.info.actor.token_id if isinstance(self.info.actor, Token) else ""
        return body_etag(repr((scope, asked)).encode() + body)

    def tagged(self, body: bytes, etag: str) -> Response:
        """200 with the encoded body, or 304 when the caller has what the tag names."""
        headers = {**PRIVATE, "ETag": etag}
        if none_match(self._lines("If-None-Match"), etag):
            return Response(status_code=304, headers=headers)
        return json_response(body, headers=headers)


def _says(value: Any, text: str) -> bool:
    """Whether a member of a body is what a parameter of the query says."""
    return bool(value == text) or (isinstance(value, bool) and text == str(value).lower())


def json_response(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of encoded JSON. What does not say otherwise is kept by nobody."""
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def body_etag(body: bytes) -> str:
    """The tag of an answer that has no version of its own: it tells the content."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
