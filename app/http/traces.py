"""OpenTelemetry's traces: a span for each request, where the standard `OTEL_*` variables ask for them.

Otherwise nothing of it is imported, and a request costs a look at None.
"""

from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module
from typing import Any, Protocol

import structlog

log = structlog.get_logger()
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP = "http/protobuf"


class Exporter(StrEnum):
    """Where spans go: to a collector over HTTP, to standard output, or nowhere."""

    OTLP = "otlp"
    CONSOLE = "console"
    NONE = "none"


class Traced(Protocol):
    """What a span says of a request."""

    request_id: str
    route: str
    code: str | None
    span: Any


class Tracing(Protocol):
    """What makes spans."""

    def begin(self, traceparent: str | None) -> Any:
        """The span of a request, below the caller's if the header names one."""

    def trace_id(self, span: Any) -> str:
        """In 32 hex digits."""

    def end(self, info: Traced, method: str | None, status: int) -> None:
        """Ends the span with what became of the request."""

    def close(self) -> None:
        """Sends what is left, for some seconds at most."""


def tracing(environment: Mapping[str, str]) -> Tracing | None:
    """What the variables ask for; None if they ask for no traces, or for what cannot be had, which is logged."""
    asked = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if not asked:
        asked = Exporter.OTLP if any(environment.get(name) for name in _ENDPOINTS) else Exporter.NONE
    if asked == Exporter.NONE or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if asked not in list(Exporter):
        log.warning("no traces are made: OTEL_TRACES_EXPORTER must be otlp, console or none")
        return None
    if asked == Exporter.OTLP and next(filter(None, map(environment.get, _PROTOCOLS)), _HTTP) != _HTTP:
        log.warning("no traces are made: OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf")
        return None
    try:
        # Named, and not imported above: that takes a quarter of a second, for those who want it.
        found: Tracing = import_module("app.http.spans").Spans(Exporter(asked))
    except Exception as fault:  # noqa: BLE001 - whatever is wrong with a variable of the SDK's, requests are answered
        log.warning("no traces are made: one of the OTEL_ variables cannot be used", fault=type(fault).__name__)
        return None
    return found
