"""Heads of requests that were read before: a client sends the same with each request, but for a tag that it has."""

import hashlib
import re
from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

_SOME_TAG = b"\0"  # which no header has: one that is empty is another head
H = TypeVar("H")
MAX_HEADS = 4096
MAX_KNOWN_HEAD = 2048  # bytes
_END = b"\r\n\r\n"
_TAG = re.compile(rb'\r\n[Ii]f-[Nn]one-[Mm]atch: ("[\x21\x23-\x7e]*")\r\n')


class Arrived(NamedTuple):
    """Bytes that begin a request: the digest of its head without the tag in it, that tag, and the size of the head.

    A head with two of them is not among what is kept, so the tag is the only one.
    """

    digest: bytes
    tag: str | None
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
    if size < len(_END):
        return None
    if (found := _TAG.search(data, 0, size)) is None:
        return Arrived(hashlib.sha256(data[:size]).digest(), None, size)
    begin, end = found.span(1)
    return Arrived(hashlib.sha256(data[:begin] + _SOME_TAG + data[end:size]).digest(), found[1].decode("ascii"), size)
