"""IP addresses and CIDR networks. An IPv4-mapped IPv6 address counts as IPv4; one with a zone is not an address."""

import re
from collections import defaultdict
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")
_MAPPED_BITS = 96
_BITS = {4: 32, 6: 128}
_WRITTEN = {4: IPv4Address, 6: IPv6Address}


class Address(NamedTuple):
    """An address as a number; `version` is 4 or 6."""

    version: int
    number: int

    def __str__(self) -> str:
        return str(_WRITTEN[self.version](self.number))


class Network(NamedTuple):
    """The leading bits that the addresses of a network share; `host_bits` is how many follow them."""

    version: int
    host_bits: int
    prefix: int


class Networks:
    """A set of networks. A look-up takes one step for each length of prefix in it."""

    __slots__ = ("_prefixes",)

    def __init__(self, networks: Iterable[Network]) -> None:
        found: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for version, host_bits, prefix in networks:
            found[version, host_bits].add(prefix)
        self._prefixes = tuple((version, bits, frozenset(some)) for (version, bits), some in found.items())

    def __contains__(self, address: Address | None) -> bool:
        if address is None:
            return False
        for version, host_bits, prefixes in self._prefixes:
            if version == address.version and address.number >> host_bits in prefixes:
                return True
        return False


def parse_address(text: str) -> Address | None:
    """`text` as an address, or None."""
    address = _plain_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return None if address is None else Address(address.version, int(address))


def parse_network(text: str) -> Network | None:
    """`text` (`address/prefix`) as a network, or None. Host bits are ignored."""
    written, slash, digits = text.partition("/")
    address = _plain_address(written)
    if address is None or not slash or not _PREFIX.fullmatch(digits):
        return None
    length = int(digits)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None and length >= _MAPPED_BITS:
        address, length = address.ipv4_mapped, length - _MAPPED_BITS
    host_bits = _BITS[address.version] - length
    return None if host_bits < 0 else Network(address.version, host_bits, int(address) >> host_bits)


def _plain_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = IPv6Address(text) if ":" in text else IPv4Address(text)
    except ValueError:
        return None
    return None if isinstance(address, IPv6Address) and address.scope_id is not None else address
