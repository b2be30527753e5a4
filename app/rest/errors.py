"""The catalogue over REST."""

from typing import Annotated, Any, Self

import orjson
from pydantic import Field
from starlette.responses import Response

from app.domain.catalogue import CATALOGUE, Entry
from app.domain.errors import examples
from app.rest.requests import Call
from app.rest.responses import body_etag, tagged
from app.rest.routing import Endpoint
from app.rest.schemas import Schema


class ErrorExamples(Schema):
    """What a failure looks like on each transport."""

    rest: Annotated[dict[str, Any], Field(description="The body that REST sends.")]
    graphql: Annotated[dict[str, Any], Field(description="The body that GraphQL sends.")]


class CatalogueEntry(Schema):
    """A code of the catalogue of errors."""

    code: Annotated[str, Field(description="What programs look at.")]
    title: Annotated[str, Field(description="The code in a few words.")]
    status: Annotated[int, Field(description="The HTTP status that REST sends.")]
    meaning: Annotated[str, Field(description="When it happens.")]
    causes: Annotated[list[str], Field(description="What most often lies behind it.")]
    action: Annotated[str, Field(description="What to do about it.")]
    examples: ErrorExamples

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(
            code=entry.code,
            title=entry.title,
            status=entry.status,
            meaning=entry.meaning,
            causes=list(entry.causes),
            action=entry.action,
            examples=ErrorExamples(**examples(entry)),
        )


async def list_errors(call: Call) -> Response:
    body = orjson.dumps([CatalogueEntry.of(entry).body() for entry in CATALOGUE.values()])
    return tagged(call, body, body_etag(body))


ENDPOINTS = [
    Endpoint(
        "listErrors",
        "GET",
        "/errors",
        list_errors,
        "The catalogue of errors",
        response=CatalogueEntry,
        is_list=True,
        public=True,
    )
]
