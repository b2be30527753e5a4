"""Email addresses: how they compare. They are stored as entered, and mail goes to the stored address."""

import unicodedata

import idna


def email_key(email: str) -> str:
    """The key that emails compare by: without case, in composed form (NFC), domains as DNS looks them up.

    `STRASSE.example` equals `strasse.example`, and `ü.example` equals `xn--tda.example`, because mail to both reaches
    the same server. `straße.example` is a different domain with another owner.
    """
    local, _, domain = email.rpartition("@")
    key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())
    return f"{key}@{ascii_domain(domain) or domain.lower()}"


def has_domain(email: str) -> bool:
    """Whether the email's domain can exist in DNS."""
    return ascii_domain(email.rpartition("@")[2]) is not None


def local_part(email: str) -> str:
    """The part before the `@`, used as the name of a person who gave none."""
    return email.rpartition("@")[0]


def ascii_domain(domain: str) -> str | None:
    """The domain as it is looked up in DNS (RFC 5891, mapped by UTS 46); None if it is not valid."""
    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        return None
