"""The catalogue over REST."""

from functools import cache
from typing import Annotated, Any, Self

import orjson
from pydantic import Field

from app.domain.catalogue import CATALOGUE, Entry
from app.domain.errors import examples
from app.rest.routing import Constant, Endpoint
from app.rest.schemas import Schema
from app.runtime.encoded import Encoded


class ErrorExamples(Schema):
    """What a failure looks like on each transport."""

    rest: Annotated[dict[str, Any], Field(description="The body that REST sends.")]
    graphql: Annotated[dict[str, Any], Field(description="The body that GraphQL sends.")]


class CatalogueEntry(Schema):
    """A code of the catalogue of errors."""

    code: Annotated[str, Field(description="For programs.")]
    title: Annotated[str, Field(description="The error in a few words.")]
    status: Annotated[int, Field(description="The HTTP status that REST sends.")]
    meaning: Annotated[str, Field(description="When it happens.")]
    causes: Annotated[list[str], Field(description="Common causes.")]
    action: Annotated[str, Field(description="What to do about it.")]
    examples: ErrorExamples

    @classmethod
    def from_entry(cls, entry: Entry) -> Self:
        return cls(
            code=entry.code,
            title=entry.title,
            status=entry.status,
            meaning=entry.meaning,
            causes=list(entry.causes),
            action=entry.action,
            examples=ErrorExamples(**examples(entry)),
        )


@cache
def _catalogue(_: str) -> Encoded:
    return Encoded(orjson.dumps([CatalogueEntry.from_entry(entry).body() for entry in CATALOGUE.values()]))


ENDPOINTS = [
    Endpoint(
        "listErrors",
        "GET",
        "/errors",
        Constant(_catalogue),
        "The catalogue of errors",
        response=CatalogueEntry,
        is_list=True,
        public=True,
        headers=("Encoding",),
    )
]
