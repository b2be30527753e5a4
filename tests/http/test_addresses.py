"""Where a request comes from: the rightmost address that no trusted proxy has."""

from typing import Any

import pytest

from app.engine.cidrs import parse_address
from app.http.addresses import client_address
from app.http.requests import Sender
from app.settings import BadSetting, Settings, load

TRUSTED = "10.0.0.0/8, fd00::/8"


def seen(peer: str | None, *forwarded: str, trusted: str = TRUSTED) -> Any:
    sender = Sender.named_in([(b"x-forwarded-for", one.encode("latin-1")) for one in forwarded])
    return client_address(peer, sender.forwarded_for, Settings(trusted_proxies=trusted).trusted_networks)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),  # nobody asked this peer whom it forwards
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),  # what stands left was made up by the client
        ("10.0.0.1", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2", "10.0.0.3"], "198.51.100.1"),
        ("10.0.0.1", ["10.0.0.9,10.0.0.2"], "10.0.0.9"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("fd00::1", [" 2001:db8::1 "], "2001:db8::1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["198.51.100.1, unknown"], None),
        ("10.0.0.1", ["", " , 198.51.100.1 ,"], "198.51.100.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["fe80::1%eth0"], None),
        ("testclient", ["198.51.100.1"], None),
        (None, ["198.51.100.1"], None),
    ],
)
def test_the_client_is_the_rightmost_address_outside_the_trusted_proxies(
    peer: str | None, forwarded: list[str], expected: str | None
) -> None:
    assert seen(peer, *forwarded) == (None if expected is None else parse_address(expected))


def test_nobody_is_trusted_if_nothing_is_said() -> None:
    assert seen("10.0.0.1", "198.51.100.1", trusted="") == parse_address("10.0.0.1")


@pytest.mark.parametrize("wrong", ["10.0.0.1", "x", "10.0.0.0/33", "10.0.0.0/8;fd00::/8"])
def test_a_wrong_setting_is_told_in_one_line(wrong: str) -> None:
    with pytest.raises(
        BadSetting, match=r"--trusted-proxies: must be a comma-separated list of networks such as 10\.0\.0\.0/8"
    ):
        load(trusted_proxies=wrong)
