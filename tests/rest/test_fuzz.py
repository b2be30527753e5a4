"""Whatever a caller sends, the answer is the catalogue's, and never a failure of ours.

One app serves all examples of a test: what they change does not matter to what they are about.
"""

import json
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.rest.app import TABLE
from app.rest.routing import Endpoint
from tests.factories import Workspace

JSON = {"Content-Type": "application/json"}
TEXT = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted({name for endpoint in TABLE for name in endpoint.parameters} | {"name", "key", "defaultValue", "rules"})
BODIES = st.dictionaries(st.sampled_from(NAMES) | TEXT, VALUES, max_size=5) | VALUES
QUERIES = st.dictionaries(st.sampled_from(NAMES) | TEXT, TEXT, max_size=3)
HEADER_VALUES = st.binary(max_size=30).map(lambda data: bytes(byte for byte in data if byte > 31 and byte != 127))
HEADER_NAMES = [
    *("If-Match", "If-None-Match", "Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "X-Reason", "X-Break-Glass"),
    *("X-Request-Id", "Host", "Accept", "Content-Type", "Content-Encoding", "Content-Length", "Authorization"),
    *("Cookie", "X-Forwarded-For", "X-API-Key"),
]
HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES), HEADER_VALUES, max_size=4)
ENDPOINTS = st.sampled_from(TABLE)


@pytest.fixture
def client(workspace: Workspace) -> httpx2.AsyncClient:
    """A person who may do everything. Each answer is held to the catalogue and the OpenAPI document."""
    client = workspace.org.owner.client
    client.event_hooks["response"].append(refuse_failures)
    return client


async def refuse_failures(response: httpx2.Response) -> None:
    """A status from 500 on is a fault of ours; `ruleset_not_cached` is none."""
    await response.aread()
    known = response.status_code == 503 and response.json()["code"] == "ruleset_not_cached"
    assert response.status_code < 500 or known, (response.request.url, response.text)
    if response.status_code >= 400 and response.request.method != "HEAD":
        assert "text/html" in response.headers["content-type"] or "requestId" in response.text


def address(endpoint: Endpoint, workspace: Workspace, odd: str | None = None) -> str:
    """The endpoint's address, or a near one."""
    known = {
        "slug": workspace.org.slug,
        "project_id": workspace.project_id,
        "env_id": workspace.environment_id,
        "key": "banner",
    }
    path = endpoint.address
    for name in (
        "slug",
        "project_id",
        "env_id",
        "key",
        "user_id",
        "api_key_id",
        "invitation_id",
        "session_id",
        "token",
    ):
        value = known.get(name, "x") if odd is None else odd
        path = path.replace(f"{{{name}}}", quote(value, safe="") or "%20")
    return path


def harmless(endpoint: Endpoint) -> bool:
    """What ends the session, or the workspace, would make all later examples alike."""
    return endpoint.name not in {"logout", "deleteOrg", "deleteProject", "deleteEnvironment", "deleteFlag"}


@given(data=st.binary(max_size=300), endpoint=ENDPOINTS.filter(lambda one: not one.safe and harmless(one)))
@example(data=b'{"a":' * 200, endpoint=TABLE[0])
@example(data=b'{"email": "\\ud800"}', endpoint=TABLE[0])
async def test_any_bytes_as_a_body(
    client: httpx2.AsyncClient, workspace: Workspace, data: bytes, endpoint: Endpoint
) -> None:
    response = await client.request(endpoint.method, address(endpoint, workspace), content=data, headers=JSON)
    assert response.status_code != 500


@given(body=BODIES, endpoint=ENDPOINTS.filter(lambda one: not one.safe and harmless(one)))
async def test_any_json_as_a_body(
    client: httpx2.AsyncClient, workspace: Workspace, body: Any, endpoint: Endpoint
) -> None:
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    await client.request(endpoint.method, address(endpoint, workspace), content=content, headers=JSON)


@given(odd=TEXT, query=QUERIES, endpoint=ENDPOINTS.filter(harmless))
@example(odd="\0", query={"limit": "9" * 5000, "cursor": "\0"}, endpoint=TABLE[-1])
async def test_any_text_in_an_address(
    client: httpx2.AsyncClient, workspace: Workspace, odd: str, query: dict[str, str], endpoint: Endpoint
) -> None:
    await client.request(endpoint.method, address(endpoint, workspace, odd), params=query)
    await client.request(endpoint.method, address(endpoint, workspace), params=query)


@given(path=st.binary(max_size=40), method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "X"]))
@example(path=b"static/\0", method="GET")
async def test_any_path(client: httpx2.AsyncClient, path: bytes, method: str) -> None:
    for base in ("/", "/api/v1/", "/app/", "/static/", "/auth/", "/api/v1/orgs/"):
        await client.request(method, base + quote(path, safe="/"))


@given(headers=HEADERS, endpoint=ENDPOINTS.filter(harmless))
@example(headers={"Origin": b"http://[", "Host": b"["}, endpoint=TABLE[0])
@example(headers={"Content-Length": b"9" * 5000}, endpoint=TABLE[0])
async def test_any_headers(
    client: httpx2.AsyncClient, workspace: Workspace, headers: dict[str, bytes], endpoint: Endpoint
) -> None:
    await client.request(
        endpoint.method,
        address(endpoint, workspace),
        content=b"{}",
        headers={"Content-Type": b"application/json", **headers},
    )
    await client.get("/app/", headers=headers)
    await client.get("/static/app.css", headers=headers)
