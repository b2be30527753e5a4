"""Faults of the protocol, each in the envelope: bodies, media types, paths, methods, headers, parameters."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.factories import Instance, Workspace

JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024


def address(workspace: Workspace) -> str:
    return f"/api/v1/envs/{workspace.environment_id}/flags/banner"


def refused(response: httpx2.Response, status: int, code: str, *fields: str) -> dict[str, Any]:
    """Asserts the envelope."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"], sorted(body.get("fields", {}))) == (status, code, sorted(fields)), body
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert body["requestId"] == response.headers["x-request-id"]
    return body


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        pytest.param(b"{", ("body",), id="unfinished"),
        pytest.param(b"  ", ("body",), id="blank"),
        pytest.param(b"{'defaultValue': 1}", ("body",), id="single quotes"),
        pytest.param(b'{"defaultValue": "x",}', ("body",), id="a comma too many"),
        pytest.param(b'{"defaultValue": "x"} {}', ("body",), id="two values"),
        pytest.param(b'{"defaultValue": NaN}', ("body",), id="NaN"),
        pytest.param(b'{"defaultValue": -Infinity}', ("body",), id="Infinity"),
        pytest.param(b'{"defaultValue": 1e400}', ("defaultValue",), id="1e400"),
        pytest.param(b'{"defaultValue": ' + b"9" * 400 + b"}", ("defaultValue",), id="an integer beyond doubles"),
        pytest.param(b'{"defaultValue": "\xff"}', ("body",), id="not UTF-8"),
        pytest.param('{"defaultValue": "x"}'.encode("utf-16"), ("body",), id="UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"defaultValue": "x"}', ("body",), id="a byte order mark"),
        pytest.param(b'{"defaultValue": "\xed\xa0\x80"}', ("body",), id="a surrogate in UTF-8"),
        pytest.param(b'{"defaultValue": "\\ud800"}', ("defaultValue",), id="half a surrogate pair"),
        pytest.param(b'{"\\udc00": 1}', ("body",), id="half a surrogate pair in a key"),
        pytest.param(b'{"reason": "a\\u0000b", "defaultValue": "x"}', ("reason",), id="NUL in a text"),
        pytest.param(b'{"defaultValue": "a", "defaultValue": "b"}', ("defaultValue",), id="a key twice"),
        pytest.param(b'{"defaultValue": {"a": 1, "a": 2}}', ("defaultValue.a",), id="a key twice within"),
        pytest.param(b"[" * 101 + b"]" * 101, ("body",), id="101 deep"),
        pytest.param(b"[" * 100_000, ("body",), id="endlessly deep"),
        pytest.param(b'"text"', ("body",), id="a string"),
        pytest.param(b"[]", ("body",), id="a list"),
        pytest.param(b"null", ("body",), id="null"),
        pytest.param(b'{"defaultValue": "' + b"x" * MIB + b'"}', ("body",), id="too large"),
    ],
)
async def test_a_body_that_is_none(
    instance: Instance, workspace: Workspace, body: bytes, fields: tuple[str, ...]
) -> None:
    async with instance.unchanged():
        response = await workspace.org.editor.client.patch(address(workspace), content=body, headers=JSON)
        refused(response, 400, "invalid_request", *fields)


async def test_what_json_does_allow(workspace: Workspace) -> None:
    for body in (
        b' {"defaultValue" : "\\ud83d\\ude00"}\r\n',
        b'{"defaultValue": "a\\u0000b"}',
        b'{"defaultValue": "1e400"}',
    ):
        response = await workspace.org.editor.client.patch(address(workspace), content=body, headers=JSON)
        assert response.status_code == 200, response.text


async def test_a_body_is_too_large_when_it_says_so_and_when_it_turns_out(
    instance: Instance, workspace: Workspace
) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * 65536

    async with instance.unchanged():
        editor = workspace.org.editor.client
        response = await editor.patch(address(workspace), content=endless(), headers=JSON)
        assert refused(response, 400, "invalid_request", "body")["message"] == "The body is larger than 1024 KiB."
        assert read <= 18
        declared = {**JSON, "Content-Length": str(MIB + 1)}
        refused(await editor.patch(address(workspace), content=b"{}", headers=declared), 400, "invalid_request", "body")


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "9" * 5000, "²", ""])
async def test_a_length_that_is_none(workspace: Workspace, length: str) -> None:
    headers = {**JSON, "Content-Length": length.encode("latin-1")}
    response = await workspace.org.editor.client.patch(address(workspace), content=b"{}", headers=headers)
    refused(response, 400, "invalid_request", "body" if length.startswith("9") else "Content-Length")


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/merge-patch+json",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
    ],
)
async def test_another_media_type(instance: Instance, workspace: Workspace, media_type: str) -> None:
    async with instance.unchanged():
        response = await workspace.org.editor.client.patch(
            address(workspace), content=b'{"defaultValue": "x"}', headers={"Content-Type": media_type}
        )
        refused(response, 400, "invalid_request", "body")


async def test_a_body_without_or_with_a_compressed_media_type(workspace: Workspace) -> None:
    editor = workspace.org.editor.client
    refused(await editor.patch(address(workspace), content=b'{"defaultValue": "x"}'), 400, "invalid_request", "body")
    response = await editor.patch(address(workspace), content=b"{}", headers={**JSON, "Content-Encoding": "gzip"})
    refused(response, 400, "invalid_request", "body")


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"; v=1']
)
async def test_json_by_any_of_its_names(workspace: Workspace, media_type: str) -> None:
    response = await workspace.org.editor.client.patch(
        address(workspace), content=b'{"defaultValue": "x"}', headers={"Content-Type": media_type}
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v1/orgs/",
        "/api/v1//orgs",
        "//api/v1/orgs",
        "/api/v2/orgs",
        "/API/v1/orgs",
        "/api/v1/orgs/acme%2Fprojects",
        "/api/v1/orgs/acme%2fprojects",
        "/api/v1/orgs/%2E%2E/acme",
        "/healthz/",
        "/static/none.css",
        "/static/%00",
        "/static/..%2f..%2fapp.py",
        "/graphql/",
    ],
)
@pytest.mark.raises_codes("not_found", on="rest")
async def test_a_path_that_leads_nowhere(workspace: Workspace, path: str) -> None:
    response = await workspace.org.owner.client.get(path)
    refused(response, 404, "not_found")
    assert (await workspace.org.owner.client.get("/api/v1/nothing")).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "TRACE", "SIGNAL"])
@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/readyz", "GET, HEAD, OPTIONS"),
        ("/metrics", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
        ("/app/claim", "GET, HEAD, OPTIONS, POST"),
        ("/auth/link", "GET, HEAD, OPTIONS, POST"),
        ("/static/app.css", "GET, HEAD, OPTIONS"),
        ("/graphql", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/errors", "GET, HEAD, OPTIONS"),
        ("/api/v1/orgs", "GET, HEAD, OPTIONS, POST"),
        ("/api/v1/orgs/acme", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/api/v1/auth/logout", "OPTIONS, POST"),
        (f"/api/v1/envs/{'0' * 36}/flags/x/kill", "OPTIONS, POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    client: httpx2.AsyncClient, path: str, allow: str, method: str
) -> None:
    response = await client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allow)
    reported = response.json()["errors"][0]["extensions"] if path == "/graphql" else response.json()
    assert reported["code"] == "method_not_allowed"
    options = await client.request("OPTIONS", path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, allow, b"")
    assert options.headers["x-request-id"].startswith("req_")


@pytest.mark.raises_codes("method_not_allowed", on="rest")
async def test_head_is_a_get_and_nothing_else(client: httpx2.AsyncClient) -> None:
    got, headed = await client.get("/api/v1/errors"), await client.head("/api/v1/errors")
    reported = {name: value for name, value in got.headers.items() if name != "x-request-id"}
    assert headed.status_code == 200
    assert reported == {name: value for name, value in headed.headers.items() if name != "x-request-id"}
    refusal = await client.head("/api/v1/auth/logout")
    assert (refusal.status_code, refusal.headers["allow"]) == (405, "OPTIONS, POST")
    refused(await client.put("/api/v1/errors"), 405, "method_not_allowed")


async def test_a_browser_gets_a_page_where_others_get_the_envelope(client: httpx2.AsyncClient) -> None:
    response = await client.get("/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    refused(await client.get("/nothing", headers={"Accept": "*/*"}), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/api/v1/errors?verbose=1", {"?verbose"}),
        ("/api/v1/orgs?limit=5&offset=1", {"?offset"}),
        ("/api/v1/orgs?key=acme", {"?key"}),
        ("/api/v1/orgs?limit=1&limit=2", {"?limit"}),
        ("/api/v1/orgs?limit=0", {"?limit"}),
        ("/api/v1/orgs?limit=1001", {"?limit"}),
        ("/api/v1/orgs?limit=many", {"?limit"}),
        (f"/api/v1/orgs?limit={'9' * 5000}", {"?limit"}),
        ("/api/v1/orgs?cursor=made-up", {"?cursor"}),
        ("/api/v1/orgs?cursor=%00%ff", {"?cursor"}),
        ("/api/v1/orgs?first=1", {"?first"}),
        ("/api/v1/orgs/acme?expand=projects", {"?expand"}),
        ("/api/v1/orgs/acme/projects?search=x", {"?search"}),
        ("/api/v1/auth/me?x", {"?x"}),
    ],
)
async def test_a_parameter_that_is_none(workspace: Workspace, path: str, fields: set[str]) -> None:
    refused(await workspace.org.owner.client.get(path), 400, "invalid_request", *fields)


async def test_a_write_takes_no_parameters_but_a_deletes_own(instance: Instance, workspace: Workspace) -> None:
    owner, project = workspace.org.owner.client, f"/api/v1/projects/{workspace.project_id}"
    async with instance.unchanged():
        response = await owner.patch(f"{project}?name=smuggled", json={"name": "said"})
        refused(response, 400, "invalid_request", "?name")
        response = await owner.patch(f"{address(workspace)}?dryRun=true", json={"defaultValue": 1})
        refused(response, 400, "invalid_request", "?dryRun", "defaultValue")
        refused(await owner.delete(f"{project}?confirm=web&force=1"), 400, "invalid_request", "?force")
        refused(await owner.delete(f"{project}?confirm=web&confirm=web"), 400, "invalid_request", "?confirm")
        refused(await owner.delete(f"{project}?confirm=other"), 400, "invalid_confirmation", "confirm")
        refused(await owner.delete(f"{project}/flags/banner?reason=x"), 400, "invalid_request", "?reason")
    assert (await owner.delete(f"{project}?confirm=web")).status_code == 204


async def test_a_parameter_too_many_tells_a_stranger_nothing(instance: Instance, workspace: Workspace) -> None:
    _, stranger = await instance.person("stranger")
    for path in (f"/api/v1/projects/{workspace.project_id}?x=1", f"/api/v1/projects/{workspace.project_id}/flags?x=1"):
        refused(await stranger.client.get(path), 404, "not_found")


async def test_a_parameter_too_many_is_refused_before_the_ruleset_is_looked_for(workspace: Workspace) -> None:
    owner = workspace.org.owner
    fresh = await owner.make("createEnvironment", projectId=workspace.project_id, key="fresh", name="Fresh")
    path = f"/api/v1/envs/{fresh['id']}/ruleset"
    refused(await owner.client.get(path), 503, "ruleset_not_cached")
    refused(await owner.client.get(f"{path}?since=-1&x=1"), 400, "invalid_request", "?since", "?x")


async def test_all_faults_of_a_list_are_told_at_once(workspace: Workspace) -> None:
    response = await workspace.org.owner.client.get("/api/v1/orgs?limit=0&cursor=x&cursor=y&offset=1")
    body = refused(response, 400, "invalid_request", "?limit", "?cursor", "?offset")
    assert body["fields"]["?offset"] == "Unknown parameter. Known parameters: cursor, limit."
    assert body["fields"]["?cursor"] == "Given more than once."


@pytest.mark.parametrize(
    "headers",
    [
        {"If-Match": "3.1"},
        {"If-Match": '"open'},
        {"If-Match": ""},
    ],
)
async def test_a_header_that_says_nothing_sensible(
    instance: Instance, workspace: Workspace, headers: dict[str, str]
) -> None:
    async with instance.unchanged():
        response = await workspace.org.editor.client.patch(
            address(workspace), json={"defaultValue": "x"}, headers=headers
        )
        refused(response, 400, "invalid_request", *headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://["},
        {"Origin": "null"},
        {"Origin": "https://signalbox.test.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://signalbox.test"},
    ],
)
@pytest.mark.raises_codes("forbidden", on="rest")
async def test_a_write_from_elsewhere(instance: Instance, workspace: Workspace, headers: dict[str, str]) -> None:
    async with instance.unchanged():
        response = await workspace.org.editor.client.patch(
            address(workspace), json={"defaultValue": "x"}, headers=headers
        )
        refused(response, 403, "forbidden")


async def test_a_host_that_is_none_breaks_nothing(workspace: Workspace) -> None:
    for host in ("[", "", "a b", "é"):
        headers = {"Host": host.encode("latin-1")}
        path = f"/api/v1/projects/{workspace.project_id}/flags?limit=1"
        response = await workspace.org.viewer.client.get(path, headers=headers)
        assert response.status_code == 200
        assert response.headers["link"].startswith(f"<{path.partition('?')[0]}?limit=1&cursor=")


async def test_credentials_are_asked_for_by_their_scheme(client: httpx2.AsyncClient) -> None:
    response = await client.get("/api/v1/orgs")
    refused(response, 401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_who_has_no_credentials_is_told_nothing_else(instance: Instance, workspace: Workspace) -> None:
    anonymous = instance.anonymous().client
    for fault in (
        {"content": b"{", "headers": JSON},
        {"content": b" " * (MIB + 1), "headers": JSON},
        {"json": {"nonsense": 1}, "headers": {"If-Match": "nonsense"}},
        {"json": {}, "headers": {"Sec-Fetch-Site": "cross-site"}},
    ):
        refused(await anonymous.patch(address(workspace), **fault), 401, "unauthorized")
        refused(await anonymous.patch("/api/v1/projects/none", **fault), 401, "unauthorized")


async def test_a_callers_own_request_id_is_never_used(client: httpx2.AsyncClient) -> None:
    response = await client.get("/api/v1/errors", headers={"X-Request-Id": "req_0000000000000000"})
    assert response.headers.get_list("x-request-id") != ["req_0000000000000000"]
    assert len(response.headers.get_list("x-request-id")) == 1
