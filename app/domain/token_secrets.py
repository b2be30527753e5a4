"""Bearer secrets: `sbx_`, 43 random characters, and a checksum of them in 6, all of 0-9, A-Z and a-z.

Secret scanners find them with `sbx_[0-9A-Za-z]{49}`, and the checksum detects a mistyped one without a database lookup.
It proves nothing else: anyone who knows this file can make a well-formed secret.
"""

import re
import secrets
import string
import zlib

PREFIX = "sbx_"
_ALPHABET = string.digits + string.ascii_letters
_RANDOM, _CHECKSUM = 43, 6
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_RANDOM}}})([0-9A-Za-z]{{{_CHECKSUM}}})")
_SHOWN = len(PREFIX) + 4


def new_token_secret() -> str:
    """A secret with 256 random bits."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{PREFIX}{body}{_checksum(body)}"


def is_well_formed(secret: str) -> bool:
    """Whether form and checksum of the secret are valid."""
    return fault_of(secret) is None


def fault_of(secret: str) -> str | None:
    """What is wrong with the secret's form; None if nothing is."""
    if not secret.startswith(PREFIX):
        return f"This is not a token of this service: those begin with `{PREFIX}`."
    form = _FORM.fullmatch(secret)
    if form is None or _checksum(form[1]) != form[2]:
        return "The token is incomplete or mistyped: its checksum does not match. Copy it again."
    return None


def hint(secret: str) -> str:
    """The part of the secret that may be shown, to identify a token."""
    return f"{secret[:_SHOWN]}…"


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
