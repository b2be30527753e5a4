"""Changes to how uvicorn speaks HTTP."""

import asyncio
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.domain.errors import AppError, envelope
from app.domain.ids import new_request_id

HEAD_SECONDS = 30
log = structlog.get_logger()


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which also answers malformed HTTP with the envelope, and limits the time for a head."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A caller has come."""
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        """A request has begun to arrive."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """Its head is there; the body has a limit of its own."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._stop_waiting()
        self._patience = self.loop.call_later(HEAD_SECONDS, self.send_400_response, "The request did not arrive.")

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def send_400_response(self, msg: str) -> None:
        """Refuses, and closes."""
        request_id, refusal = new_request_id(), AppError("invalid_request", msg)
        log.info("request", requestId=request_id, route="unmatched", status=refusal.status)
        body = orjson.dumps(envelope(refusal, request_id))
        head = (
            f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Cache-Control: no-store",
            f"X-Request-Id: {request_id}",
            "Connection: close",
        )
        self.transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.transport.close()
