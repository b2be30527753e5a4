"""What the log of a test's instance gets, as JSON."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import structlog.testing

from app.http.logs import of_request


@contextmanager
def logged(request_lines: list[str]) -> Iterator[list[dict[str, Any]]]:
    """The lines that are logged meanwhile. Those of requests are there, after the others, once it is left."""
    began = len(request_lines)
    with structlog.testing.capture_logs(processors=[of_request]) as captured:
        lines = cast(list[dict[str, Any]], captured)
        yield lines
    lines += map(json.loads, request_lines[began:])


def of_requests(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of requests."""
    return [line for line in lines if line["event"] == "request"]
