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

    _head_timeout: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_head_timeout()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_head_timeout()

    def on_headers_complete(self) -> None:
        """The body has a time limit of its own."""
        self._cancel_head_timeout()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head_timeout()
        super().connection_lost(exc)

    def _start_head_timeout(self) -> None:
        self._cancel_head_timeout()
        self._head_timeout = self.loop.call_later(HEAD_SECONDS, self.send_400_response, "The request did not arrive.")

    def _cancel_head_timeout(self) -> None:
        if self._head_timeout is not None:
            self._head_timeout.cancel()

    def send_400_response(self, msg: str) -> None:
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
