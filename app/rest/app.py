"""The REST surface: one route table, one ASGI app."""

from starlette.routing import Router
from starlette.types import ASGIApp

from app.middleware.failures import Failures
from app.rest import auth, environments, errors, evaluation, flags, orgs, projects
from app.rest.calls import refusal
from app.rest.routing import nowhere, routes
from app.serving.node import Node

PREFIX = "/api/v1"
TABLE = [
    *auth.ENDPOINTS,
    *orgs.ENDPOINTS,
    *projects.ENDPOINTS,
    *environments.ENDPOINTS,
    *flags.ENDPOINTS,
    *evaluation.ENDPOINTS,
    *errors.ENDPOINTS,
]


def build(node: Node) -> ASGIApp:
    """The app below `/api/v1`."""
    return Failures(Router(routes(node, TABLE), redirect_slashes=False, default=nowhere), refusal)
