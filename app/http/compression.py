"""Compression, of nothing but what is the same for many callers: no answer that holds a secret and what a caller sent.

(Whoever sees the sizes of such answers could guess the secret, letter by letter.)
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.responses import Response

from app.domain.preconditions import none_match
from app.http.accept import accepts_gzip
from app.runtime.encoded import Encoded


class Terms(NamedTuple):
    """How a document is sent: compressed or not, with which tag, and whether the caller has it already."""

    gzip: bool
    etag: str
    unchanged: bool


def terms(document: Encoded, etag: str, accept_encoding: str, if_none_match: str | None) -> Terms:
    """Compressed it has a tag of its own; who has it either way is told that it has not changed."""
    gzip = document.compressible and accepts_gzip(accept_encoding)
    return Terms(gzip, f'{etag[:-1]}-gzip"' if gzip else etag, none_match(if_none_match, etag))


async def respond(
    request: Headers, document: Encoded, etag: str, media_type: str, headers: Mapping[str, str]
) -> Response:
    """The document on the caller's terms."""
    of_caller = terms(
        document, etag, ",".join(request.getlist("accept-encoding")), ", ".join(request.getlist("if-none-match"))
    )
    vary = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
    sent = {**headers, "Vary": vary, "ETag": of_caller.etag}
    if of_caller.unchanged:
        return Response(status_code=304, headers=sent)
    if not of_caller.gzip:
        return Response(document.body, headers=sent, media_type=media_type)
    body = document.compressed or await asyncio.to_thread(document.compress)
    return Response(body, headers={**sent, "Content-Encoding": "gzip"}, media_type=media_type)
