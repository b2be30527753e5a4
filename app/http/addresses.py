"""The IP address of a caller, behind the proxies that the operator trusts."""

from functools import lru_cache

from app.engine.cidrs import Address, Networks, parse_address, parse_network

_LOCAL = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7")
LOCAL_NETWORKS = Networks(network for one in _LOCAL if (network := parse_network(one)) is not None)


def client_address(peer: str | None, forwarded_for: str, trusted: Networks) -> Address | None:
    """The peer; or, if that is a trusted proxy, the rightmost address of `X-Forwarded-For` that is not one.

    None for what is no address: a peer on a Unix socket, or a word that somebody made up.
    """
    address = None if peer is None else _peer(peer)
    if address is None or address not in trusted:
        return address
    for written in filter(None, map(str.strip, reversed(forwarded_for.split(",")))):
        address = parse_address(_without_port(written))
        if address is None or address not in trusted:
            return address
    return address


_peer = lru_cache(4096)(parse_address)  # all requests of a connection have the same peer


def _without_port(written: str) -> str:
    """Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`."""
    if written.startswith("["):
        return written[1:].partition("]")[0]
    return written.partition(":")[0] if written.count(":") == 1 else written
