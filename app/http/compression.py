"""Compression, of nothing but what is the same for many callers: no answer that holds a secret and what a caller sent.

(Whoever sees the sizes of such answers could guess the secret, letter by letter.)
"""

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import Response

from app.domain.preconditions import none_match
from app.http.accept import accepts_gzip
from app.runtime.encoded import Encoded


async def respond(
    request: Headers, document: Encoded, etag: str, media_type: str, headers: Mapping[str, str]
) -> Response:
    """The document, compressed for who accepts that, and then under a tag of its own; 304 for who has it either way."""
    gzip = document.compressible and accepts_gzip(request)
    vary = ", ".join(filter(None, (headers.get("Vary"), "Accept-Encoding")))
    sent = {**headers, "Vary": vary, "ETag": f'{etag[:-1]}-gzip"' if gzip else etag}
    if none_match(", ".join(request.getlist("if-none-match")), etag):
        return Response(status_code=304, headers=sent)
    if not gzip:
        return Response(document.body, headers=sent, media_type=media_type)
    body = document.compressed or await asyncio.to_thread(document.compress)
    return Response(body, headers={**sent, "Content-Encoding": "gzip"}, media_type=media_type)
