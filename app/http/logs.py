"""Structured logs: one line an event, with the request's id if there is one."""

import logging
import sys
from contextvars import ContextVar
from io import StringIO
from typing import Any, Protocol, TextIO

import structlog
from structlog.processors import ExceptionRenderer
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, ExcInfo, Processor

from app.http.output import STDERR
from app.settings import LogFormat


class Request(Protocol):
    """What logs need of a request."""

    def bound(self) -> dict[str, str]:
        """What every log line of the request has."""
        ...


present: ContextVar[Request | None] = ContextVar("present", default=None)
"""The request that is answered, if one is."""


class Handler(logging.Handler):
    """Writes to standard error in one order with the lines of requests; warnings and errors at once."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record) + "\n"
        except Exception:  # noqa: BLE001 - as in every handler of the library
            self.handleError(record)
        else:
            STDERR.write(line, urgent=record.levelno >= logging.WARNING)


def of_request(_: Any, __: str, event: EventDict) -> EventDict:
    """Says which request a line belongs to."""
    if (request := present.get()) is not None:
        event.update(request.bound())
    return event


def configure(log_format: LogFormat) -> None:
    """Sends events of ours and of the libraries to standard error, in one format."""
    shared: list[Processor] = [
        of_request,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_control_characters,
                *_renderers(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _renderers(log_format: LogFormat) -> list[Processor]:
    """Tracebacks come without the values of local variables, because some are secrets."""
    if log_format is LogFormat.JSON:
        return [ExceptionRenderer(ExceptionDictTransformer(show_locals=False)), structlog.processors.JSONRenderer()]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            sort_keys=False,
            exception_formatter=_plain_traceback,
        )
    ]


def printable(text: str) -> str:
    """The text with everything escaped that moves a cursor, breaks a line, or turns the direction of writing."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _without_control_characters(_: Any, __: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = printable(value)
    return event


def _plain_traceback(out: TextIO, exc_info: ExcInfo) -> None:
    written = StringIO()
    structlog.dev.plain_traceback(written, exc_info)
    out.write("\n".join(map(printable, written.getvalue().split("\n"))))
