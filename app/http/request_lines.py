"""The log's line of a request: what structlog's renderers would write, in a small part of their time."""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from structlog import dev

from app.domain.actors import Actor, Member, Token
from app.http.logs import printable
from app.settings import LogFormat

_QUOTED = set(" \t=\r\n\"'")


class Logged(Protocol):
    """What a line says of a request, beside its status."""

    request_id: str
    actor: Actor
    route: str
    logged_address: str | None
    caller_request_id: str | None
    trace_id: str | None
    code: str | None


Renderer = Callable[[Logged, int, str | None, float], str]
"""Of what is known of a request, its status, its method and its seconds. What is no request has no method."""


def renderer(log_format: LogFormat) -> Renderer:
    if log_format is LogFormat.JSON:
        return as_json
    console = Console(colors=sys.stderr.isatty())
    return console.line


def as_json(info: Logged, status: int, method: str | None, seconds: float) -> str:
    """What is of our own making needs no escapes."""
    line = f'{{"route": {_as_json(info.route)}, "status": {status}'
    if method is not None:
        line += f', "method": {_as_json(method)}, "ms": {round(seconds * 1000, 2)}'
    if info.code is not None:
        line += f', "code": "{info.code}"'
    if (actor := name_of(info.actor)) is not None:
        line += f', "actor": "{actor}"'
    line += f', "event": "request", "requestId": "{info.request_id}"'
    if info.logged_address is not None:
        line += f', "address": "{info.logged_address}"'
    if info.caller_request_id is not None:
        line += f', "callerRequestId": {_as_json(info.caller_request_id)}'
    if info.trace_id is not None:
        line += f', "traceId": "{info.trace_id}"'
    return f'{line}, "level": "info", "timestamp": "{timestamp()}"}}\n'


class Console:
    """For people, in colours if somebody looks at it."""

    def __init__(self, *, colors: bool) -> None:
        def color(text: str) -> str:
            return text if colors else ""

        self._key, self._value, self._end = color(dev.CYAN), color(dev.MAGENTA), color(dev.RESET_ALL)
        self._time, bright = color(dev.DIM), color(dev.BRIGHT)
        self._event = f"{self._end} [{color(dev.GREEN)}{bright}info     {self._end}] {bright}request{self._end}"

    def line(self, info: Logged, status: int, method: str | None, seconds: float) -> str:
        of_request = {} if method is None else {"method": _for_people(method), "ms": round(seconds * 1000, 2)}
        facts = {
            "route": _for_people(info.route),
            "status": status,
            **of_request,
            "code": info.code,
            "actor": name_of(info.actor),
            "requestId": info.request_id,
            "address": info.logged_address,
            "callerRequestId": info.caller_request_id and _for_people(info.caller_request_id),
            "traceId": info.trace_id,
        }
        key, value, end = self._key, self._value, self._end
        pairs = [f" {key}{name}{end}={value}{fact}{end}" for name, fact in facts.items() if fact is not None]
        return f"{self._time}{timestamp()}{self._event}{''.join(pairs)}\n"


@lru_cache(1024)
def _as_json(text: str) -> str:
    return json.dumps(printable(text))


@lru_cache(1024)
def _for_people(text: str) -> str:
    text = printable(text)
    return text if _QUOTED.isdisjoint(text) else repr(text)


def name_of(actor: Actor) -> str | None:
    """What lines say of who calls."""
    if isinstance(actor, Token):
        return f"token:{actor.token_id}"
    if isinstance(actor, Member):
        return f"member:{actor.user_id}"
    return None


def timestamp() -> str:
    """Now, to the microsecond."""
    seconds, rest = divmod(time.time_ns(), 1_000_000_000)
    return f"{_second(seconds)}{rest // 1000:06}Z"


@lru_cache(1)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.}"
