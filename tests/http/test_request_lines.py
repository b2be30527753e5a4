"""The line of a request reads as if structlog had written it, as it writes all others."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.dev import ConsoleRenderer
from structlog.processors import JSONRenderer

from app.domain.actors import Anonymous, Member
from app.http.logs import printable
from app.http.request_lines import Console, as_json, timestamp
from app.http.requests import RequestInfo

MEMBER = Member("01a22fed-7cdd-7523-b09b-15b5660973eb", "Ada", "session", proven=True)
FULL = RequestInfo(
    "req_0123456789abcdef",
    actor=MEMBER,
    route="/api/v1/envs/{env_id}",
    logged_address="2001:db8::7",
    caller_request_id="mine",
    code="forbidden",
)
HOSTILE = RequestInfo("req_1", route="/\x1b[2J \ud800", caller_request_id='a b="c"\u202e\n')


def facts(info: RequestInfo, status: int, method: str | None, seconds: float, at: str) -> dict[str, Any]:
    """What structlog would be given."""
    found = {
        "route": info.route,
        "status": status,
        "method": method,
        "ms": None if method is None else round(seconds * 1000, 2),
        "code": info.code,
        "actor": None if isinstance(info.actor, Anonymous) else f"member:{MEMBER.user_id}",
        "event": "request",
        "requestId": info.request_id,
        "address": info.logged_address,
        "callerRequestId": info.caller_request_id,
        "level": "info",
        "timestamp": at,
    }
    return {
        name: printable(fact) if isinstance(fact, str) else fact for name, fact in found.items() if fact is not None
    }


@pytest.mark.parametrize("info", [FULL, HOSTILE, RequestInfo("req_1")])
@pytest.mark.parametrize(("method", "seconds"), [("GET", 0.0012345), ("DELETE", 12.0), (None, 0)])
def test_the_line_is_that_of_structlog(info: RequestInfo, method: str | None, seconds: float) -> None:
    line = as_json(info, 403, method, seconds)
    assert line == f"{JSONRenderer()(None, '', facts(info, 403, method, seconds, json.loads(line)['timestamp']))}\n"
    for colors in (False, True):
        line = Console(colors=colors).line(info, 403, method, seconds)
        at = line.removeprefix("\x1b[2m")[:27]
        structlogs = ConsoleRenderer(colors=colors, pad_event_to=0, sort_keys=False)
        assert line == f"{structlogs(None, '', facts(info, 403, method, seconds, at))}\n"


def test_the_time_is_now_to_the_microsecond() -> None:
    before, text, after = datetime.now(UTC), timestamp(), datetime.now(UTC)
    assert before <= datetime.fromisoformat(text) <= after
    assert len(text) == len("2026-12-01T04:55:09.282295Z")
