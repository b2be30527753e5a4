"""What connections may take of the server, and how many there may be."""

import resource
from collections.abc import Sequence
from dataclasses import dataclass

from app.http.headers import Header
from app.settings import BadSetting, Settings

MAX_CONNECTIONS = 10_000  # unless a setting says otherwise
MAX_HEAD = 32 * 1024
MAX_LINE = 16 * 1024
MAX_HEADERS = 100


@dataclass(frozen=True)
class Limits:
    """Of connections: how many there may be, and for how many seconds each phase may last.

    So many more than `connections` are told that there are too many; what is beyond is cut off without a word.
    """

    connections: int
    refused_connections: int = 64
    head_seconds: float = 30
    refused_head_seconds: float = 2
    unread_body_seconds: float = 10
    stalled_seconds: float = 30
    ping_seconds: float = 20
    closing_seconds: float = 5


def fault_of_head(size: int, url: bytes, headers: Sequence[Header]) -> str | None:
    """What is too large of a head, as far as it has come."""
    if size >= MAX_HEAD:
        return f"The head of the request, or what frames its body, is larger than {MAX_HEAD // 1024} KiB."
    if len(url) > MAX_LINE:
        return f"The request line is longer than {MAX_LINE // 1024} KiB."
    if len(headers) > MAX_HEADERS:
        return f"The request has more than {MAX_HEADERS} headers."
    return None


def max_connections(settings: Settings, files: int) -> int:
    """How many connections there may be, each of which takes one of the files that the process may have open.

    Raises BadSetting.
    """
    if settings.max_connections is None:
        return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(max(files // 2, 1), MAX_CONNECTIONS)
    if files != resource.RLIM_INFINITY and settings.max_connections >= files:
        most = f"must be below {files}, which is how many files the process may have open (`ulimit -n`)"
        raise BadSetting(f"SIGNALBOX_MAX_CONNECTIONS: {most}")
    return settings.max_connections
