"""The catalogue over REST."""

import orjson
from starlette.responses import Response

from app.domain.errors import CATALOGUE
from app.rest.calls import Call, json_response
from app.rest.routing import Endpoint
from app.rest.shapes import ErrorEntry


async def list_errors(_: Call) -> Response:
    """GET /errors."""
    return json_response(orjson.dumps([ErrorEntry.of(entry).body() for entry in CATALOGUE.values()]))


ENDPOINTS = [
    Endpoint("GET", "/errors", list_errors, "The catalogue of errors", gives=ErrorEntry, many=True, public=True)
]
