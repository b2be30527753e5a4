"""How failures look in GraphQL: the catalogue's code, fields, status and request id in `extensions`."""

import re
from typing import Any

import strawberry
from graphql import GraphQLError

from app.domain.catalogue import CATALOGUE, Entry
from app.domain.errors import AppError, examples, extensions_of
from app.graphql.scalars import JSON
from app.http.failures import expected

_QUOTED = re.compile(r"[,;.]? found: .*|(?<= value): .*", re.IGNORECASE | re.DOTALL)


def formatted(error: GraphQLError, failure: AppError, request_id: str) -> dict[str, Any]:
    """An entry of `errors`: the failure, and where it happened."""
    entry: dict[str, Any] = {"message": failure.message}
    if error.locations:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        entry["path"] = error.path
    return {**entry, "extensions": extensions_of(failure, request_id)}


def known(error: GraphQLError) -> AppError:
    """The failure. What GraphQL itself refuses is `invalid_request`; the unexpected is `internal`, and logged."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, AppError):
        return cause
    if cause is None:
        return AppError("invalid_request", _without_values(error.message))
    if _is_about_document(error):
        return AppError("invalid_request", "A value in the document or its variables is not of its type.")
    return expected(cause if isinstance(cause, Exception) else RuntimeError(str(cause)))


def _without_values(message: str) -> str:
    """GraphQL's message without the values that it quotes, some of which are secrets."""
    return _QUOTED.sub(".", message)


def _is_about_document(error: GraphQLError) -> bool:
    """Whether something broke where GraphQL reads values, before anything was run."""
    return error.path is None and error.nodes is not None


@strawberry.type(description="What a failure looks like on each transport.")
class ErrorExamples:
    rest: JSON = strawberry.field(description="The body that REST sends.")
    graphql: JSON = strawberry.field(description="The body that GraphQL sends.")


@strawberry.type(description="A code of the catalogue of errors.")
class CatalogueEntry:
    code: str = strawberry.field(description="What programs look at.")
    title: str = strawberry.field(description="The code in a few words.")
    status: int = strawberry.field(description="The HTTP status that REST sends.")
    meaning: str = strawberry.field(description="When it happens.")
    causes: list[str] = strawberry.field(description="What most often lies behind it.")
    action: str = strawberry.field(description="What to do about it.")
    examples: ErrorExamples = strawberry.field(description="What it looks like.")

    @classmethod
    def of(cls, entry: Entry) -> "CatalogueEntry":
        return cls(
            code=entry.code,
            title=entry.title,
            status=entry.status,
            meaning=entry.meaning,
            causes=list(entry.causes),
            action=entry.action,
            examples=ErrorExamples(**examples(entry)),
        )


@strawberry.type
class ErrorQueries:
    @strawberry.field(description="Every code that a request can fail with. Needs no credentials.")
    def error_catalog(self) -> list[CatalogueEntry] | None:
        return [CatalogueEntry.of(entry) for entry in CATALOGUE.values()]
