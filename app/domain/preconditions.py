"""ETags and preconditions (RFC 9110, sections 8.8.3 and 13.1), and the version that a read must not be older than."""

import re
from dataclasses import dataclass

from app.domain.errors import AppError, invalid

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION = re.compile(r"[0-9]{1,100}")
_ENCODED = re.compile(r"(?:-gzip|-br|-zstd|;gzip)$")
_BESIDE = re.compile(r"~.*$", re.DOTALL)
_LIST = re.compile(rf"[\s,]*(?:{_TAG.pattern}\s*(?:,[\s,]*|$))+")


@dataclass(frozen=True, slots=True)
class IfMatch:
    """An `If-Match` header as it was sent, parsed when needed. None and `*` set no condition.

    What proxies that compress make of a tag is ignored on purpose: a `W/` before it, or a suffix inside the quotes. So
    is what a tag has behind `~`, which is shown with what the caller would write, and is not a part of it.
    """

    header: str | None = None
    name: str = "If-Match"

    def require(self, tag: str) -> None:
        """Raises `precondition_failed`, which tells the present `tag`, unless that is among the tags.

        Raises `invalid_request` for a malformed header.
        """
        tags = self._tags()
        if tags is not None and _BESIDE.sub("", tag.strip('"')) not in (_BESIDE.sub("", one) for one in tags):
            raise AppError("precondition_failed", headers={"ETag": tag})

    def _tags(self) -> list[str] | None:
        if self.header is None or self.header.strip() == "*":
            return None
        if not _LIST.fullmatch(self.header):
            raise invalid({self.name: 'Must be * or a list of quoted tags, such as "3.1".'})
        return _tags_in(self.header)


@dataclass(frozen=True, slots=True)
class MinVersion:
    """The version that an environment must have reached, as it was sent: as a header's text or a number. None: any."""

    given: str | int | None = None
    name: str = "X-Signalbox-Min-Version"

    def parse(self, faults: dict[str, str]) -> int:
        """The version; 0, perhaps with a fault, where there is none."""
        text = "0" if self.given is None else str(self.given).strip()
        if _VERSION.fullmatch(text):
            return int(text)
        faults[self.name] = "Must be a version of the environment, an integer of at least 0."
        return 0


ANY_VERSION = MinVersion()


def _tags_in(header: str) -> list[str]:
    """The tags, as they were before a proxy compressed what they belong to."""
    return [_ENCODED.sub("", tag) for tag in _TAG.findall(header)]


def none_match(header: str | None, tag: str) -> bool:
    """Whether an `If-None-Match` header includes `tag`, so that the answer is 304."""
    if header is None:
        return False
    if header == tag:
        return True
    return header.strip() == "*" or _ENCODED.sub("", tag.strip('"')) in _tags_in(header)
