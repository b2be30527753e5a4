"""Email addresses: what they are compared by. They are stored as typed, and mail goes to what is stored."""

import unicodedata

import idna


def email_key(email: str) -> str:
    """What emails are compared by: without case, composed and decomposed letters alike, domains as the network's.

    `STRASSE.example` is `strasse.example` and `ü.example` is `xn--tda.example`, for mail to both arrives at one place.
    `straße.example` is another domain with another owner.
    """
    local, _, domain = email.rpartition("@")
    key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())
    return f"{key}@{_on_the_network(domain) or domain.lower()}"


def has_domain(email: str) -> bool:
    """Whether mail could find the email's domain."""
    return _on_the_network(email.rpartition("@")[2]) is not None


def local_part(email: str) -> str:
    """What stands before the `@`: a name for those who gave none."""
    return email.rpartition("@")[0]


def _on_the_network(domain: str) -> str | None:
    """The domain as names are looked up by (RFC 5891, mapped as in UTS 46); None where it can be none."""
    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        return None
