"""Tickets for event streams, in place of a header that a browser's EventSource cannot send.

A ticket names a token or session, an environment, and until when it is good, with a keyed hash of all that: nobody
builds their own, and it holds no secret.
"""

import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple
from uuid import UUID

from app.domain.ids import digest

_FORM = struct.Struct(">?16s16sdQ")
_MARK = 16  # bytes


class Ticket(NamedTuple):
    """`once` is a number of its own for a ticket that is good for one stream, and 0 for one that is for any number.

    `expires_at` is a POSIX time; infinite for what is good as long as the credential.
    """

    of_token: bool
    credential_id: str
    environment_id: str
    expires_at: float
    once: int = 0


class TicketCodec:
    """Tickets as text. The same ticket is always the same text."""

    def __init__(self, signing_key: str) -> None:
        self._key = digest(f"tickets:{signing_key}").encode()

    def encode(self, ticket: Ticket) -> str:
        of_token, credential_id, environment_id, expires_at, once = ticket
        content = _FORM.pack(of_token, UUID(credential_id).bytes, UUID(environment_id).bytes, expires_at, once)
        return urlsafe_b64encode(content + self._mark(content)).decode().rstrip("=")

    def decode(self, text: str) -> Ticket | None:
        """None for what is no ticket of this instance."""
        try:
            signed = urlsafe_b64decode(text.encode("ascii") + b"==")
        except ValueError:
            return None
        content, mark = signed[:-_MARK], signed[-_MARK:]
        if len(content) != _FORM.size or not compare_digest(mark, self._mark(content)):
            return None
        of_token, credential_id, environment_id, expires_at, once = _FORM.unpack(content)
        return Ticket(of_token, str(UUID(bytes=credential_id)), str(UUID(bytes=environment_id)), expires_at, once)

    def _mark(self, content: bytes) -> bytes:
        return blake2b(content, digest_size=_MARK, key=self._key).digest()


def new_number() -> int:
    """For a ticket that is good once."""
    return secrets.randbits(63) + 1
