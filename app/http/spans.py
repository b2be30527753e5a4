"""Spans by OpenTelemetry's SDK. It is imported where traces are asked for, and nowhere else."""

import logging
import threading
from http import HTTPStatus
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.http.request_counts import METHODS
from app.http.traces import Exporter, Traced

CLOSE_SECONDS = 5
_UNNAMED = "unknown_service"  # with what follows, what the SDK calls a service that nobody has named
_CHATTY = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.trace.export",
)


class Spans:
    """The SDK reads its variables itself: names, samplers, limits, addresses, headers."""

    def __init__(self, exporter: Exporter) -> None:
        named = {name: value for name, value in Resource.create().attributes.items() if not _is_unnamed(value)}
        self._provider = TracerProvider(resource=Resource({SERVICE_NAME: "signalbox", **named}), shutdown_on_exit=False)
        sent_to = ConsoleSpanExporter() if exporter is Exporter.CONSOLE else OTLPSpanExporter()
        self._provider.add_span_processor(BatchSpanProcessor(sent_to))
        self._tracer = self._provider.get_tracer("signalbox")
        self._extract = TraceContextTextMapPropagator().extract
        once = _Once()
        for name in _CHATTY:
            logging.getLogger(name).addFilter(once)

    def begin(self, traceparent: str | None) -> Span:
        context = None if traceparent is None else self._extract({"traceparent": traceparent})
        return self._tracer.start_span("request", context, SpanKind.SERVER)

    def trace_id(self, span: Span) -> str:
        return format(span.get_span_context().trace_id, "032x")

    def end(self, info: Traced, method: str | None, status: int) -> None:
        """Nothing in it is what a caller wrote."""
        span: Any = info.span
        if span.is_recording():
            known = method if method in METHODS else "_OTHER"
            span.update_name(f"{known} {info.route}")
            span.set_attributes(
                {
                    "http.request.method": known,
                    "http.route": info.route,
                    "http.response.status_code": status,
                    "signalbox.request_id": info.request_id,
                }
            )
            if info.code is not None:
                span.set_attribute("error.type", info.code)
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.set_status(Status(StatusCode.ERROR))
        span.end()

    def close(self) -> None:
        """The thread that sends what is left is not waited for longer than some seconds."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def _is_unnamed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(_UNNAMED)


class _Once(logging.Filter):
    """Lets one line of each logger through: a collector that is out of reach is so every few seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        if record.name in self._told:
            return False
        self._told.add(record.name)
        return True
