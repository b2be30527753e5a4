"""What a call takes in addition to its body: the parameters of its path, its query and its headers."""

import re
from typing import Any

from pydantic.alias_generators import to_camel

from app.domain.commands import SLUG_PATTERN
from app.rest.openapi.schemas import Schemas
from app.rest.routing import Endpoint

_ID = {"type": "string", "format": "uuid"}
_CALLED = {"type": "string"}
_KEY = {"type": "string", "pattern": SLUG_PATTERN}
_IN_PATH: dict[str, tuple[str, dict[str, Any]]] = {
    "slug": ("The organisation's slug.", _KEY),
    "key": ("The key.", _KEY),
    "project_id": ("The project's id, or its name, such as `acme:web`.", _CALLED),
    "env_id": ("The environment's id, or its name, such as `acme:web:production`.", _CALLED),
    "user_id": ("The user's id.", _ID),
    "token": ("The secret in the link.", {"type": "string"}),
}
_ANY_ID = ("The id.", _ID)

HEADERS: dict[str, dict[str, Any]] = {
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": 'Refuse the write unless one of these tags, such as `"3.1"`, is the current one. `*` matches '
        "any. A `W/` before a tag and a suffix that a compressing proxy adds, such as `-gzip`, are ignored.",
        "schema": {"type": "string"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Answer 304 if one of these tags is the current one.",
        "schema": {"type": "string"},
    },
    "Reason": {
        "name": "X-Reason",
        "in": "header",
        "description": "The reason, for the audit.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 2000},
    },
    "BreakGlass": {
        "name": "X-Break-Glass",
        "in": "header",
        "description": "The reason why an owner overrides protection. It is recorded in the audit.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 2000},
    },
    "Environment": {
        "name": "X-Signalbox-Env",
        "in": "header",
        "description": "The environment's id or name, such as `acme:web:production`. A token whose scope is exactly "
        "one environment can do without.",
        "schema": {"type": "string"},
    },
    "LastEventId": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The `id` of the last event that the client has. The first event tells what it has missed.",
        "schema": {"type": "string"},
    },
    "MinVersion": {
        "name": "X-Signalbox-Min-Version",
        "in": "header",
        "description": "Wait up to a second until the environment has reached this version. Otherwise the answer is "
        "`unavailable`.",
        "schema": {"type": "integer", "minimum": 0},
    },
}


def template(path: str) -> str:
    """The path as OpenAPI writes it: parameters in camelCase."""
    return re.sub(r"\{(\w+)\}", lambda found: f"{{{to_camel(found[1])}}}", path)


def parameters_of(endpoint: Endpoint, schemas: Schemas, *, accepts_if_match: bool) -> list[dict[str, Any]]:
    headers = {
        "IfMatch": accepts_if_match,
        "IfNoneMatch": endpoint.tagged,
        "Reason": endpoint.method == "DELETE" and endpoint.body is not None and "reason" in endpoint.body.model_fields,
        "BreakGlass": endpoint.overridable,
        **dict.fromkeys(endpoint.takes, True),
    }
    required = {field.alias for field in endpoint.query.model_fields.values() if field.is_required()}
    return [
        *(_in_path(name) for name in re.findall(r"\{(\w+)\}", endpoint.path)),
        *(_in_query(name, schema, name in required) for name, schema in schemas.parameters(endpoint).items()),
        *({"$ref": f"#/components/parameters/{name}"} for name, applies in headers.items() if applies),
    ]


def _in_path(name: str) -> dict[str, Any]:
    description, schema = _IN_PATH.get(name, _ANY_ID)
    return {"name": to_camel(name), "in": "path", "required": True, "description": description, "schema": schema}


def _in_query(name: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    description = schema.pop("description", None)
    described = {} if description is None else {"description": description}
    needed = {"required": True} if required else {}
    return {"name": name, "in": "query", **needed, **described, "schema": schema}
