"""The REST surface: one route table, one ASGI app."""

from functools import cache

import orjson
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp

from app.http.failures import Failures, enveloped
from app.rest import (
    api_keys,
    auth,
    environments,
    errors,
    evaluation,
    flags,
    invitations,
    members,
    orgs,
    projects,
    sessions,
)
from app.rest.openapi.document import document
from app.rest.requests import Call
from app.rest.responses import body_etag, tagged
from app.rest.routing import Endpoint, nowhere, routes
from app.runtime.node import Node

PREFIX = "/api/v1"


async def get_openapi(call: Call) -> Response:
    body = _document()
    return tagged(call, body, body_etag(body))


@cache
def _document() -> bytes:
    return orjson.dumps(document(TABLE, PREFIX))


TABLE = [
    *auth.ENDPOINTS,
    *sessions.ENDPOINTS,
    *orgs.ENDPOINTS,
    *members.ENDPOINTS,
    *invitations.ENDPOINTS,
    *api_keys.ENDPOINTS,
    *projects.ENDPOINTS,
    *environments.ENDPOINTS,
    *flags.ENDPOINTS,
    *evaluation.ENDPOINTS,
    *errors.ENDPOINTS,
    Endpoint("GET", "/openapi.json", get_openapi, "This document", public=True),
]


def build(node: Node) -> ASGIApp:
    return Failures(Router(routes(node, PREFIX, TABLE), redirect_slashes=False, default=nowhere), enveloped)
