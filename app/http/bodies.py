"""Reads JSON bodies: media type, size and syntax, with the same errors on both transports."""

import asyncio
import math
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from app.domain.actors import Anonymous
from app.domain.errors import AppError, invalid, invalid_at
from app.engine import json_text
from app.engine.json_pieces import decode_in_pieces
from app.http.requests import info_of

MAX_AT_ONCE = 32 * 1024  # larger bodies are decoded in a thread: to name their faults can take some 100 ms
MAX_BODY = 1024 * 1024
MAX_LONG_BODY = 16 * MAX_BODY
MAX_ANONYMOUS_BODY = 16 * 1024
ALLOW_LONG_MESSAGES = "signalbox.allow_long_messages"
"""In the scope of a WebSocket: what lifts the limit on messages from that without credentials to that of bodies."""
BODY_SECONDS = 60
_LONGEST_LENGTH = 15  # digits


def number_of_bytes(digits: str) -> float:
    """What a `Content-Length` of digits declares; infinite where no body is as long."""
    digits = digits.lstrip("0") or "0"  # Python reads no number of thousands of them
    return int(digits) if len(digits) <= _LONGEST_LENGTH else math.inf


async def read_json(scope: Scope, receive: Receive, decoder: Callable[[bytes], Any], limit: int = MAX_BODY) -> Any:
    """The decoded body, `{}` if there is none. Raises `invalid_request`, or what the decoder raises."""
    return await json_of(await read(scope, receive, limit), scope, decoder)


async def json_of(data: bytes, scope: Scope, decoder: Callable[[bytes], Any]) -> Any:
    """The decoded body that was read of the request, `{}` for an empty one."""
    if not data:
        return {}
    headers = Headers(scope=scope)
    media_type, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    charsets = {part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")}
    if media_type != "application/json" or charsets - {"utf-8", "utf8"}:
        raise invalid_at("body", "The body must be sent as application/json, in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise invalid_at("body", "The body must not be compressed.")
    if len(data) > MAX_AT_ONCE:
        return await asyncio.to_thread(decoder, data)
    return decoder(data)


async def read(scope: Scope, receive: Receive, limit: int = MAX_BODY, seconds: float = BODY_SECONDS) -> bytes:
    """The raw body. Raises `invalid_request` if it is too large, declared or not, or takes more than the seconds.

    From a caller whose credentials are not known to be valid, no more is read than signing in takes.
    """
    if isinstance(info_of(scope).actor, Anonymous):
        limit = min(limit, MAX_ANONYMOUS_BODY)
    declared = Headers(scope=scope).get("content-length", "0")
    if not declared.isdecimal():
        raise invalid_at("Content-Length", "The header Content-Length is not a number.")
    if number_of_bytes(declared) > limit:
        raise _too_large(limit)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(seconds):
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
    except TimeoutError:
        raise invalid_at("body", f"The body did not arrive within {seconds} seconds.") from None


def decode(data: bytes, place: str = "body", **reading: Any) -> Any:
    """The JSON value. `reading` is passed to the decoder. Raises `invalid_request` with the path of each fault."""
    try:
        return json_text.decode(data, **reading)
    except json_text.BadJson as fault:
        raise refusal_of(fault, place) from None


def decode_long(data: bytes) -> Any:
    """As `decode`, while other threads can go on."""
    try:
        return decode_in_pieces(data)
    except json_text.BadJson as fault:
        raise refusal_of(fault, "body") from None


def refusal_of(fault: json_text.BadJson, place: str) -> AppError:
    """What is wrong with the whole text stands under the `place` that it came in."""
    return invalid_at(place, fault.faults[""]) if "" in fault.faults else invalid(fault.faults)


def _too_large(limit: int) -> AppError:
    hint = " Callers with credentials may send more." if limit == MAX_ANONYMOUS_BODY else ""
    return invalid_at("body", f"The body is larger than {limit // 1024} KiB.{hint}")
