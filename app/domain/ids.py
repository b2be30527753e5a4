"""Identifiers (UUIDv7, so that their order is the order of creation), request ids and secrets."""

import hashlib
import re
import secrets

from uuid_utils import uuid7

_AT_ONCE = 256  # to ask the system for a few bytes takes longer than all else that an id needs
_request_ids: list[str] = []
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_id() -> str:
    return str(uuid7())


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id. Any other string identifies nothing."""
    return _UUID.fullmatch(text) is not None


def lowered(text: str) -> str:
    """An id as it is stored: callers may write it in any case. A name (`acme:web`) stays as it is."""
    return text if ":" in text else text.lower()


def new_request_id() -> str:
    """`req_` and 16 hex digits."""
    while True:
        try:
            return _request_ids.pop()
        except IndexError:
            digits = secrets.token_hex(8 * _AT_ONCE)
            _request_ids.extend(f"req_{digits[at : at + 16]}" for at in range(0, len(digits), 16))


def new_secret(prefix: str) -> str:
    """A bearer secret of 256 random bits, in URL-safe text after `prefix`."""
    return f"{prefix}{secrets.token_urlsafe(32)}"


def digest(secret: str) -> str:
    """The SHA-256 of a secret in hex, which is all that is stored of it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
