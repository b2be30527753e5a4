"""The only exception with codes of the catalogue, and its form on each transport.

Nothing else in the product defines the form of an error.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from app.domain.catalogue import CATALOGUE, Entry
from app.engine.json_text import MAX_FAULTS, MAX_PATH

SAMPLE_REQUEST_ID = "req_0123456789abcdef"
MAX_MESSAGE = 1_000  # characters
MAX_FIELDS_BYTES = 16 * 1024

_HEADERS = {
    "unauthorized": {"WWW-Authenticate": "Bearer"},
    "unavailable": {"Retry-After": "1"},
    "ruleset_not_cached": {"Retry-After": "1"},
}


class AppError(Exception):
    """An error from the catalogue.

    `fields` maps dotted paths to messages, as many as an answer may hold, whatever a caller sent; `extra` has members
    that some codes add to the envelope (`liveVersion`, `proposedVersion`); `headers` are sent with the REST answer
    (`Retry-After`, `Allow`).
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
        self.message = _cut(message or self.entry.sentence, MAX_MESSAGE)
        self.fields = bounded(fields or {})
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


def bounded(fields: Mapping[str, str], most_bytes: int = MAX_FIELDS_BYTES) -> dict[str, str]:
    """The first faults, with paths and messages cut, so that they take no more than the bytes of JSON; at least one."""
    kept: dict[str, str] = {}
    for path, message in fields.items():
        shown = _cut(path, MAX_PATH), _cut(message, MAX_MESSAGE)
        most_bytes -= len(orjson.dumps(shown))
        if kept and (most_bytes < 0 or len(kept) == MAX_FAULTS):
            break
        kept.setdefault(*shown)
    return kept


def _cut(text: str, longest: int) -> str:
    """The beginning of a text that may quote what a caller sent, even half of a surrogate pair."""
    shown = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return shown if shown.isascii() else shown.encode("utf-8", "replace").decode()


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


def invalid_at(place: str, message: str) -> AppError:
    """`invalid_request` with one fault, of which the message is about: the `body`, a header, the `query`."""
    return invalid({place: message}, message)


def not_found(what: str, hint: str = "") -> AppError:
    """`not_found`; `what` is the type of the resource ("project"), and the same whether or not it exists elsewhere.

    So is the hint: it may come only from what the caller wrote.
    """
    return AppError("not_found", f"There is no such {what}.{hint and ' '}{hint}")


def key_collision(key: str) -> AppError:
    return AppError("key_collision", fields={"key": f"The key {key} is already in use."})
