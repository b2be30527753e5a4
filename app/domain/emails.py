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
    return f"{key}@{network_domain(domain) or domain.lower()}"


def network_address(email: str) -> str | None:
    """The address that mail servers are told, with the domain that `email_key` compares by.

    None if the domain cannot exist in DNS: no mail server finds it.
    """
    local, _, written = email.rpartition("@")
    domain = network_domain(written)
    return None if domain is None else f"{local}@{domain}"


def local_part(email: str) -> str:
    """The part before the `@`, used as the name of a person who gave none."""
    return email.rpartition("@")[0]


def network_domain(domain: str) -> str | None:
    """The domain as it is looked up in DNS (RFC 5891, mapped by UTS 46, not transitional); None if it is not valid."""
    try:
        return idna.encode(domain, uts46=True, std3_rules=True).decode().removesuffix(".")
    except idna.IDNAError:
        return None
