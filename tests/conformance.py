"""The OpenAPI document, held against what is sent: each REST answer of a test's callers passes here.

An answer whose status, code, headers or body the document does not tell fails whichever test met it.
"""

import re
from functools import cache
from typing import Any

import httpx2
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from app.rest.app import SURFACES, TABLE
from app.rest.openapi.document import document

DOCUMENT: dict[str, Any] = document(TABLE)
UNROUTED = {204, 404, 405}
OF_THE_TRANSPORT = {"connection", "content-length", "content-type", "date", "server"}
OF_EVERY_ANSWER = {
    "content-security-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
}
ENOUGH = 20  # entries of a list

# Readers must take members that come later; here one that the document does not name is a fault.
for _schema in DOCUMENT["components"]["schemas"].values():
    if "properties" in _schema:
        _schema.setdefault("additionalProperties", False)

_ADDRESS = "urn:openapi"
_REGISTRY: Registry[Any] = Registry().with_resource(_ADDRESS, Resource(DOCUMENT, DRAFT202012))
_PATHS = [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path) for path in DOCUMENT["paths"]]


async def check_response(response: httpx2.Response) -> None:
    """Holds an answer to the document."""
    path, method = response.request.url.path, response.request.method
    if not path.startswith(tuple(SURFACES)):
        return
    template = _template(path)
    operation = DOCUMENT["paths"].get(template, {}).get("get" if method == "HEAD" else method.lower())
    if operation is None:
        assert response.status_code in UNROUTED, (method, path, response.status_code)
        return
    said = f"{method} {template} {response.status_code}"
    declared = operation["responses"].get(str(response.status_code))
    assert declared is not None, f"{said} is not documented"
    if response.headers.get("content-type") in declared.get("content", {}).keys() - {"application/json"}:
        return  # a stream, which has neither a tag nor one body
    _hold_headers(said, declared, response)
    if method != "HEAD":
        await _hold_body(said, declared, response)


def _hold_headers(said: str, declared: dict[str, Any], response: httpx2.Response) -> None:
    for name, reference in declared["headers"].items():
        header = DOCUMENT["components"]["headers"][reference["$ref"].rpartition("/")[2]]
        assert name in response.headers or not header["required"], f"{said} lacks {name}"
        allowed = header["schema"].get("const")
        if name.lower() == "cache-control" and "set-cookie" in response.headers:
            allowed = "no-store"
        assert allowed in {None, response.headers.get(name)}, f"{said} has another {name}"
    unknown_params = response.headers.keys() - {name.lower() for name in declared["headers"]}
    unknown_params -= OF_THE_TRANSPORT | OF_EVERY_ANSWER
    if "set-cookie" in response.headers:
        unknown_params -= {"cache-control"}
    if response.headers.get("vary") == "Origin":  # where pages of other origins may call
        unknown_params -= {"vary"}
    assert not unknown_params, f"{said} has headers that are not documented: {sorted(unknown_params)}"


async def _hold_body(said: str, declared: dict[str, Any], response: httpx2.Response) -> None:
    content = declared.get("content", {})
    media_type = response.headers.get("content-type", "").partition(";")[0]
    if not content:
        await response.aread()
        assert response.content == b"", f"{said} has a body"
        return
    assert media_type in content, f"{said} is sent as {media_type}"
    if media_type == "application/json":
        await response.aread()
        body = response.json()
        validator = schema_of(*said.split(" "))
        faults = list(validator.iter_errors(body[:ENOUGH] if isinstance(body, list) else body))
        assert not faults, f"{said}: {faults[0].json_path} {faults[0].message}"


@cache
def schema_of(method: str, template: str, status: str | None) -> Draft202012Validator:
    """What the document says of the body of an answer, or without a status of that of the request."""
    where = ("requestBody",) if status is None else ("responses", status)
    pointer = "/".join(
        step.replace("~", "~0").replace("/", "~1")
        for step in ("paths", template, method.lower(), *where, "content", "application/json", "schema")
    )
    return Draft202012Validator({"$ref": f"{_ADDRESS}#/{pointer}"}, registry=_REGISTRY)


@cache
def component(name: str) -> Draft202012Validator:
    """A schema of the document by its name."""
    return Draft202012Validator({"$ref": f"{_ADDRESS}#/components/schemas/{name}"}, registry=_REGISTRY)


def _template(path: str) -> str | None:
    return next((template for pattern, template in _PATHS if pattern.fullmatch(path)), None)
