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
    return f"{key}@{_on_the_network(domain) or domain.lower()}"


def has_domain(email: str) -> bool:
    """Whether the email's domain can exist in DNS."""
    return _on_the_network(email.rpartition("@")[2]) is not None


def local_part(email: str) -> str:
    """The part before the `@`, used as the name of a person who gave none."""
    return email.rpartition("@")[0]


def _on_the_network(domain: str) -> str | None:
    """The domain as it is looked up in DNS (RFC 5891, mapped by UTS 46); None if it is not valid."""
    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        return None
