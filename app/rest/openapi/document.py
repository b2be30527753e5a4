"""Puts the OpenAPI 3.1 document together."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.domain.actors import Verb
from app.domain.commands import NoBody
from app.domain.policy import TABLE
from app.rest.openapi import responses
from app.rest.openapi.descriptions import INTRODUCTION, OPERATIONS, TAGS
from app.rest.openapi.parameters import HEADERS, parameters_of, template
from app.rest.openapi.responses import responses_of
from app.rest.openapi.schemas import Schemas
from app.rest.routing import Endpoint
from app.rest.schemas import Schema, TextSchema

Json = dict[str, Any]

_SECURITY: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token, `sbx_…`."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "signalbox_session",
        "description": "A person's session. Over https its name begins with `__Host-`, or `__Secure-` below a path.",
    },
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A token, for OFREP clients."},
}


def document(table: Sequence[Endpoint], server: str = "/") -> Json:
    """The document of the calls in the table."""
    schemas = Schemas(table)
    reads = {
        endpoint.path: endpoint.response for endpoint in table if endpoint.method == "GET" and not endpoint.is_list
    }
    paths: dict[str, Json] = {}
    for endpoint in table:
        path = paths.setdefault(template(endpoint.address), {})
        path[endpoint.method.lower()] = _operation(endpoint, schemas, reads)
    tags = dict.fromkeys(endpoint.tag for endpoint in table)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Signalbox", "version": "1", "description": INTRODUCTION},
        "servers": [{"url": server}],
        "tags": [{"name": tag, "description": TAGS[tag]} for tag in tags],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": _SECURITY,
            "parameters": HEADERS,
            "schemas": dict(sorted(schemas.components.items())),
            **responses.components(),
        },
    }


def accepts_if_match(endpoint: Endpoint, reads: Collection[str]) -> bool:
    """Whether it writes to what one of the paths `reads` shows by itself: a change, a delete, an action on it."""
    if endpoint.safe or endpoint.operation is None or endpoint.status == 201:  # noqa: PLR2004
        return False
    if TABLE[endpoint.operation].verb in {Verb.EVALUATE, Verb.READ}:
        return False
    return endpoint.path in reads or endpoint.path.rpartition("/")[0] in reads


def _gives_etag(endpoint: Endpoint, shown: Iterable[type[Schema] | type[TextSchema] | None]) -> bool:
    """Whether it answers with what a read shows by itself: something with a tag of its own."""
    given = endpoint.response
    return endpoint.tagged or (
        given is not None and any(one and (issubclass(given, one) or issubclass(one, given)) for one in shown)
    )


def _operation(
    endpoint: Endpoint, schemas: Schemas, reads: Mapping[str, type[Schema] | type[TextSchema] | None]
) -> Json:
    accepts = accepts_if_match(endpoint, reads)
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"{OPERATIONS[endpoint.name]}\n\n{_who(endpoint)}",
        "tags": [endpoint.tag],
        "security": _security(endpoint),
        "parameters": parameters_of(endpoint, schemas, accepts_if_match=accepts),
        "responses": responses_of(
            endpoint, schemas, accepts_if_match=accepts, gives_etag=_gives_etag(endpoint, reads.values())
        ),
    }
    if endpoint.body not in {None, NoBody}:
        operation["requestBody"] = _body(endpoint, schemas)
    return operation


def _body(endpoint: Endpoint, schemas: Schemas) -> Json:
    command = endpoint.body or NoBody
    required = any(field.is_required() for field in command.model_fields.values())
    return {"required": required, "content": schemas.body(endpoint, command)}


def _security(endpoint: Endpoint) -> list[Json]:
    if endpoint.public:
        return []
    if endpoint.operation is not None and TABLE[endpoint.operation].verb is None:
        return [{"session": []}]
    return [{name: []} for name in _SECURITY]


def _who(endpoint: Endpoint) -> str:
    """Who may make the call, in words, from the row of the policy."""
    if endpoint.public:
        return "Needs no credentials."
    if endpoint.operation is None:
        return "For everybody who is signed in."
    row = TABLE[endpoint.operation]
    people = "any person" if row.role is None else f"people from the role {row.role} up"
    return f"For {people}." if row.verb is None else f"For {people}, and for tokens with the action {row.verb}."
