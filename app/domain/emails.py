"""Email addresses: what they are compared by. They are stored as typed, and mail goes to what is stored."""

import unicodedata


def email_key(email: str) -> str:
    """What emails are compared by: without case, and composed and decomposed letters alike.

    Nothing more is folded: `straße.example` and `strasse.example` are two domains with two owners.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).lower())


def local_part(email: str) -> str:
    """What stands before the `@`: a name for those who gave none."""
    return email.rpartition("@")[0]
