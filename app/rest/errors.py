"""The catalogue over REST."""

from typing import Self

import orjson
from starlette.responses import Response

from app.domain.errors import CATALOGUE, Entry
from app.rest.calls import Call, json_response
from app.rest.routing import Endpoint
from app.rest.shapes import Shape


class ErrorEntry(Shape):
    """A code of the catalogue."""

    code: str
    title: str
    status: int
    meaning: str
    action: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """From the catalogue."""
        return cls(
            code=entry.code,
            title=entry.title,
            status=entry.status,
            meaning=entry.meaning,
            action=entry.action,
        )


async def list_errors(_: Call) -> Response:
    """GET /errors."""
    return json_response(orjson.dumps([ErrorEntry.of(entry).body() for entry in CATALOGUE.values()]))


ENDPOINTS = [
    Endpoint("GET", "/errors", list_errors, "The catalogue of errors", gives=ErrorEntry, many=True, public=True)
]
