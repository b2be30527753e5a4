"""Reads JSON bodies: media type, size and syntax, with the same refusals on both transports."""

from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from app.domain import json_text
from app.domain.errors import AppError, invalid

MAX_BODY = 1024 * 1024


async def read_json(scope: Scope, receive: Receive, limit: int = MAX_BODY) -> Any | None:
    """The decoded body, None for an empty one. Raises `invalid_request`."""
    data = await read(scope, receive, limit)
    if not data:
        return None
    require_json(Headers(scope=scope).get("content-type"))
    return decode(data)


async def read(scope: Scope, receive: Receive, limit: int = MAX_BODY) -> bytes:
    """The raw body. Raises `invalid_request` when it is too large, declared or not."""
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limit:
        raise _too_large(limit)
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(chunk := message.get("body", b""))
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join(chunks)


def require_json(content_type: str | None) -> None:
    """Raises `invalid_request` unless the media type is JSON in UTF-8."""
    media_type, _, parameters = (content_type or "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != "application/json" or charset not in {"", "utf-8", "utf8"}:
        raise AppError("invalid_request", "The body must be sent as application/json.")


def decode(data: bytes) -> Any:
    """The JSON value. Raises `invalid_request` with the path of each fault."""
    try:
        return json_text.decode(data)
    except json_text.BadJson as fault:
        if "" in fault.faults:
            raise AppError("invalid_request", fault.faults[""]) from None
        raise invalid(fault.faults) from None


def _too_large(limit: int) -> AppError:
    return AppError("invalid_request", f"The body is larger than {limit // 1024} KiB.")
