"""Bearer secrets: `sbx_`, 43 random characters, and a checksum of them in 6, all of 0-9, A-Z and a-z.

Secret scanners find them by `sbx_[0-9A-Za-z]{49}`, and the checksum tells a mistyped one without a look at the
database. It proves nothing else: whoever knows this file can make a well-formed one.
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
    """A fresh secret of 256 random bits."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{PREFIX}{body}{_checksum(body)}"


def is_well_formed(secret: str) -> bool:
    """Whether the secret can have been made here: its form and checksum."""
    form = _FORM.fullmatch(secret)
    return form is not None and _checksum(form[1]) == form[2]


def hint(secret: str) -> str:
    """What may be shown of the secret, to tell one token from another."""
    return f"{secret[:_SHOWN]}…"


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
