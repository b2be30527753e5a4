"""The only exception with codes of the catalogue, and its form on each transport.

Nothing else in the product defines the form of an error.
"""

from collections.abc import Mapping
from typing import Any

from app.domain.catalogue import CATALOGUE, Entry

SAMPLE_REQUEST_ID = "req_0123456789abcdef"

_HEADERS = {
    "unauthorized": {"WWW-Authenticate": "Bearer"},
    "unavailable": {"Retry-After": "1"},
    "ruleset_not_cached": {"Retry-After": "1"},
}


class AppError(Exception):
    """An error from the catalogue.

    `fields` maps dotted paths to messages; `extra` has members that some codes add to the envelope
    (`liveVersion`, `proposedVersion`); `headers` are sent with the REST answer (`Retry-After`, `Allow`).
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        fields: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.entry = CATALOGUE[code]
        self.message = message or f"{self.entry.title}."
        self.fields = dict(fields or {})
        self.extra = dict(extra or {})
        self.headers = {**_HEADERS.get(code, {}), **(headers or {})}
        super().__init__(f"{code}: {self.message}")

    @property
    def code(self) -> str:
        return self.entry.code

    @property
    def status(self) -> int:
        """The HTTP status that the catalogue gives the code."""
        return self.entry.status


def envelope(error: AppError, request_id: str) -> dict[str, Any]:
    """The flat body of an error: `{code, message, fields?, requestId}` and what the code adds."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.fields:
        body["fields"] = error.fields
    return {**body, **error.extra, "requestId": request_id}


def extensions_of(error: AppError, request_id: str) -> dict[str, Any]:
    """The envelope as GraphQL's `extensions`: without the message, with the status and the tag that REST would send."""
    body = {name: value for name, value in envelope(error, request_id).items() if name != "message"}
    present = {"etag": error.headers["ETag"]} if "ETag" in error.headers else {}
    return {**body, **present, "status": error.status}


def sample(entry: Entry) -> AppError:
    """An example of an error with the code."""
    return AppError(entry.code, fields=entry.sample_fields, extra=entry.sample_extra)


def examples(entry: Entry) -> dict[str, Any]:
    """An example of the code on each transport."""
    error = sample(entry)
    shown = {"message": error.message, "extensions": extensions_of(error, SAMPLE_REQUEST_ID)}
    return {"rest": envelope(error, SAMPLE_REQUEST_ID), "graphql": {"errors": [shown]}}


def invalid(fields: Mapping[str, str], message: str | None = None) -> AppError:
    """`invalid_request` with the path and message of each fault."""
    return AppError("invalid_request", message, fields=fields)


def not_found(what: str) -> AppError:
    """`not_found`; `what` is the type of the resource ("project"), and the same whether or not it exists elsewhere."""
    return AppError("not_found", f"There is no such {what}.")


def key_collision(key: str) -> AppError:
    return AppError("key_collision", fields={"key": f"The key {key} is already in use."})
