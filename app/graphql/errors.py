"""How failures look in GraphQL: the catalogue's code, fields, status and request id in `extensions`."""

from typing import Any

import strawberry
from graphql import GraphQLError

from app.domain.errors import CATALOGUE, AppError, Entry, envelope
from app.middleware.failures import expected


def extensions_of(error: AppError, request_id: str) -> dict[str, Any]:
    """The envelope without its message, and the status that REST would have sent."""
    body = {name: value for name, value in envelope(error, request_id).items() if name != "message"}
    return {**body, "status": error.status}


def formatted(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """An entry of `errors`. What GraphQL itself refuses is `invalid_request`; the unexpected is `internal`."""
    cause = error.original_error
    known = AppError("invalid_request", error.message) if cause is None else _known(cause)
    entry: dict[str, Any] = {"message": known.message}
    if error.locations:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        entry["path"] = error.path
    return {**entry, "extensions": extensions_of(known, request_id)}


def _known(cause: BaseException) -> AppError:
    if isinstance(cause, GraphQLError):
        return (
            AppError("invalid_request", cause.message) if cause.original_error is None else _known(cause.original_error)
        )
    return expected(cause if isinstance(cause, Exception) else RuntimeError(str(cause)))


@strawberry.type(description="A code of the catalogue of errors.")
class CatalogueEntry:
    """One code."""

    code: str = strawberry.field(description="What programs look at.")
    title: str = strawberry.field(description="The code in a few words.")
    status: int = strawberry.field(description="The HTTP status that REST sends.")
    meaning: str = strawberry.field(description="When it happens.")
    action: str = strawberry.field(description="What to do about it.")

    @classmethod
    def of(cls, entry: Entry) -> "CatalogueEntry":
        """From the catalogue."""
        return cls(
            code=entry.code,
            title=entry.title,
            status=entry.status,
            meaning=entry.meaning,
            action=entry.action,
        )


@strawberry.type
class ErrorQueries:
    """Queries about errors."""

    @strawberry.field(description="Every code that a request can fail with. Needs no credentials.")
    def error_catalog(self) -> list[CatalogueEntry] | None:
        """The catalogue."""
        return [CatalogueEntry.of(entry) for entry in CATALOGUE.values()]
