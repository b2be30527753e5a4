"""Heads of requests that were read before: a client sends the same with each request, but for the body's length."""

import hashlib
from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

H = TypeVar("H")
MAX_HEADS = 4096
MAX_KNOWN_HEAD = 2048  # bytes
_END = b"\r\n\r\n"


class Arrived(NamedTuple):
    """Bytes that begin a request: the digest of its head, and how much of them that is."""

    digest: bytes
    size: int


class Known(NamedTuple, Generic[H]):
    """What a head says, and how many bytes of body follow it."""

    head: H
    length: int


class Heads(Generic[H]):
    """By their SHA-256, as there are secrets in them. What was first kept is first forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Known[H]] = OrderedDict()

    def find(self, arrived: Arrived) -> Known[H] | None:
        return self._known.get(arrived.digest)

    def keep(self, arrived: Arrived, head: H, length: int) -> None:
        self._known[arrived.digest] = Known(head, length)
        if len(self._known) > MAX_HEADS:
            self._known.popitem(last=False)


def arrived(data: bytes) -> Arrived | None:
    """The head at the beginning, if all of it is there, and it is not long."""
    size = data.find(_END, 0, MAX_KNOWN_HEAD) + len(_END)
    return None if size < len(_END) else Arrived(hashlib.sha256(data[:size]).digest(), size)
