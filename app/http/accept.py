"""What a caller accepts: `Accept` and `Accept-Encoding`, read as RFC 9110 says (12.4.2, 12.5.1, 12.5.3)."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from starlette.datastructures import Headers

HTML, JSON, NDJSON = "text/html", "application/json", "application/x-ndjson"
NAMED = 2
"""The specificity of a media type that the caller names in full."""
_ELEMENT = re.compile(r'(?:[^",]|"(?:\\.|[^"])*(?:"|$))+')  # never fails late, so it is linear
_WEIGHT = re.compile(r"(?:;|^)\s*+q\s*+=\s*+(\d?(?:\.\d*+)?)\s*+(?=;|$)", re.IGNORECASE)  # gives nothing back: linear


class Rank(NamedTuple):
    """How much a caller wants a media type: by weight, and of equal weights by how closely it was named."""

    quality: float
    specificity: int


def rank(headers: Headers, media_type: str) -> Rank:
    """The rank that `Accept` gives the media type. Without the header, everything is as good.

    Parameters of a range do not count, for none of our media types has others.
    """
    if "accept" not in headers:
        return Rank(1, 0)
    ranges = [media_type, media_type.partition("/")[0] + "/*", "*/*"]
    found = [
        Rank(weight, NAMED - ranges.index(one))
        for one, weight in _weighed(",".join(headers.getlist("accept")))
        if one in ranges
    ]
    closest = max((one.specificity for one in found), default=0)
    return max((one for one in found if one.specificity == closest), default=Rank(0, 0))


def prefers_page(headers: Headers, *others: str) -> bool:
    """Whether the caller wants HTML rather than any of the others, as browsers do. JSON is the default."""
    wanted = rank(headers, HTML)
    return wanted.quality > 0 and all(wanted > rank(headers, other) for other in (JSON, *others))


@lru_cache(256)  # callers say it in few different words
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the header's callers take gzip, and not rather what is not compressed. Without it, nothing is."""
    weights: dict[str, float] = {}
    for coding, weight in _weighed(accept_encoding):
        name = "gzip" if coding == "x-gzip" else coding
        weights[name] = max(weight, weights.get(name, 0))
    gzip = weights.get("gzip", weights.get("*", 0))
    return gzip > 0 and gzip >= weights.get("identity", 0)


def _weighed(written: str) -> Iterator[tuple[str, float]]:
    """The elements of a list, in lower case, with their weights: 1 where there is none, or none that can be read."""
    for element in _ELEMENT.findall(written):
        value, _, parameters = element.partition(";")
        weight = _WEIGHT.search(parameters)
        yield value.strip().lower(), min(float(weight[1]), 1) if weight and weight[1] not in {"", "."} else 1
