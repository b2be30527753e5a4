"""The REST surface, and what OpenFeature SDKs ask: one route table, an ASGI app for each."""

from dataclasses import replace
from functools import cache

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.errors import AppError
from app.http.failures import Failures, Render, enveloped
from app.rest import (
    api_keys,
    attributes,
    audit,
    auth,
    configs,
    environment_diff,
    environments,
    errors,
    evaluation,
    flags,
    history,
    invitations,
    members,
    ofrep,
    orgs,
    preview,
    projects,
    promotion,
    proposals,
    segments,
    sessions,
    spot_checks,
    streams,
    traffic_sample,
    usage,
)
from app.rest.openapi.document import document
from app.rest.paths import Router
from app.rest.routing import PREFIX, Constant, Endpoint, resources
from app.runtime.encoded import Encoded
from app.runtime.node import Node


@cache
def _document(base_path: str) -> Encoded:
    """The document, whose server and links in texts are below the base URL's path."""
    text = orjson.dumps(document(TABLE, base_path or "/"))
    return Encoded(text.replace(b"](/", f"]({base_path}/".encode()))


_FEATURES = {
    "Signing in": auth.ENDPOINTS,
    "Sessions": sessions.ENDPOINTS,
    "Organisations": orgs.ENDPOINTS,
    "Members": members.ENDPOINTS,
    "Invitations": invitations.ENDPOINTS,
    "API keys": api_keys.ENDPOINTS,
    "Projects": projects.ENDPOINTS,
    "Environments": [
        *environments.ENDPOINTS,
        *spot_checks.ENDPOINTS,
        *traffic_sample.ENDPOINTS,
        *attributes.ENDPOINTS,
        *usage.ENDPOINTS,
        *environment_diff.ENDPOINTS,
        *promotion.ENDPOINTS,
    ],
    "Flags": flags.ENDPOINTS,
    "Configs": configs.ENDPOINTS,
    "Segments": segments.ENDPOINTS,
    "Proposals": proposals.ENDPOINTS,
    "Audit": audit.ENDPOINTS,
    "Evaluation": [*evaluation.ENDPOINTS, *streams.ENDPOINTS, *preview.ENDPOINTS, *history.ENDPOINTS],
    "OpenFeature": [*ofrep.ENDPOINTS, *streams.OPENFEATURE_ENDPOINTS],
    "Errors": errors.ENDPOINTS,
    "About the API": [
        Endpoint(
            "getOpenapi",
            "GET",
            "/openapi.json",
            Constant(_document),
            "This document",
            public=True,
            headers=("Encoding",),
        )
    ],
}
TABLE = [replace(endpoint, tag=tag) for tag, endpoints in _FEATURES.items() for endpoint in endpoints]


SURFACES: dict[str, Render] = {PREFIX: enveloped, ofrep.PREFIX: ofrep.enveloped_for_clients}


def as_the_surface_asked(base_path: str) -> Render:
    """For who refuses before anything is routed: errors in the form of the surface that the path is below."""

    def render(error: AppError, request_id: str) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            for prefix, of_surface in SURFACES.items():
                if scope["path"].startswith(f"{base_path}{prefix}/"):
                    mounted = {**scope, "root_path": base_path + prefix}
                    await of_surface(error, request_id)(mounted, receive, send)
                    return
            await enveloped(error, request_id)(scope, receive, send)

        return answer

    return render


def build(node: Node, prefix: str) -> ASGIApp:
    """What answers below the prefix."""
    return Failures(Router(resources(node, prefix, TABLE)), SURFACES[prefix])
