"""Emails compare as mail finds them."""

import pytest

from app.domain.emails import email_key, network_address


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada@Example.com", "ada@example.COM", True),
        ("ada@\uff45xample.com", "ada@example.com", True),
        ("ada@\uff11\uff12\uff17.example", "ada@127.example", True),
        ("ada@ü.example", "ada@xn--tda.example", True),
        ("ada@u\u0308.example", "ada@ü.example", True),
        ("u\u0308@x.example", "ü@x.example", True),
        ("ada@straße.example", "ada@strasse.example", False),
        ("ada@example.com", "ada+1@example.com", False),
    ],
)
def test_emails_are_the_same_where_mail_for_them_arrives_at_one_place(one: str, other: str, same: bool) -> None:
    assert (email_key(one) == email_key(other)) is same
    assert email_key(email_key(one)) == email_key(one)


@pytest.mark.parametrize("domain", ["", "a_b.example", "-a.example", "a" * 64 + ".example", "a..example"])
def test_what_no_name_server_knows_is_no_domain(domain: str) -> None:
    assert network_address(f"ada@{domain}") is None


@pytest.mark.parametrize(
    ("domain", "network"),
    [
        ("faß.example", "xn--fa-hia.example"),
        ("FAẞ.example", "xn--fa-hia.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("βόλοσ.example", "xn--nxasmq6b.example"),
        ("ශ්‍රී.example", "xn--10cl1a0b660p.example"),
        ("EXAMPLE.Com", "example.com"),
        ("Bücher.EXAMPLE", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("\uff45xample.com", "example.com"),
        ("example\u3002com", "example.com"),
        ("ex\u00adample.com", "example.com"),
        ("\u0430pple.example", "xn--pple-43d.example"),
        ("example.com.", "example.com"),
        ("example.com\u3002", "example.com"),
    ],
)
def test_mail_goes_to_the_domain_that_emails_compare_by(domain: str, network: str) -> None:
    assert network_address(f"ada@{domain}") == f"ada@{network}"
    assert email_key(f"ada@{domain}") == f"ada@{network}"
