"""How failures look in GraphQL: the catalogue's code, fields, status and request id in `extensions`."""

import re
from typing import Any

import strawberry
from graphql import GraphQLError

from app.domain.catalogue import CATALOGUE
from app.domain.errors import AppError, bounded, extensions_of, invalid_at
from app.graphql.types.errors import CatalogueEntry
from app.http.failures import expected

MAX_MESSAGE = 300  # characters: a document may have some twenty faults
_QUOTED = re.compile(r"[,;.]? found: .*|(?<= value): .*", re.IGNORECASE | re.DOTALL)


def error_entry(error: GraphQLError, failure: AppError, request_id: str, most_bytes: int) -> dict[str, Any]:
    """An entry of `errors`: the failure, and where it happened. Its `fields` have the bytes, a share of an answer's."""
    entry: dict[str, Any] = {"message": failure.message}
    if error.locations:
        entry["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    if error.path:
        entry["path"] = error.path
    extensions = extensions_of(failure, request_id)
    if failure.fields:
        extensions["fields"] = bounded(failure.fields, most_bytes)
    return {**entry, "extensions": extensions}


def failure_of(error: GraphQLError) -> AppError:
    """The failure. What GraphQL itself refuses is `invalid_request`; the unexpected is `internal`, and logged."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, AppError):
        return cause
    if cause is None:
        return invalid_at("query", _without_values(error.message))
    if _is_about_document(error):
        return invalid_at("query", "A value in the document or its variables is not of its type.")
    return expected(cause if isinstance(cause, Exception) else RuntimeError(str(cause)))


def _without_values(message: str) -> str:
    """The beginning of GraphQL's message, without the values that it quotes: some of them are secrets."""
    shown = _QUOTED.sub(".", message).replace("?.", "?")
    return shown if len(shown) <= MAX_MESSAGE else f"{shown[: MAX_MESSAGE - 1]}…"


def _is_about_document(error: GraphQLError) -> bool:
    """Whether reading the document or its values failed, before anything was run."""
    return error.path is None and error.nodes is not None


_ENTRIES = [CatalogueEntry.of(entry) for entry in CATALOGUE.values()]


@strawberry.type
class ErrorQueries:
    @strawberry.field(description="Every code that a request can fail with. Needs no credentials.")
    def error_catalog(self) -> list[CatalogueEntry] | None:
        return _ENTRIES
