"""What is refused before a document runs has REST's status and headers, and `errors` without `data`."""

from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from tests.conftest import client_of
from tests.factories import Instance, Workspace

ME = {"query": "{ me { email } }"}
ORIGIN = "http://signalbox.test"


def only_error(response: httpx2.Response) -> dict[str, Any]:
    body = response.json()
    assert set(body) == {"errors"}
    (error,) = body["errors"]
    assert error["extensions"]["status"] == response.status_code
    return dict(error["extensions"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer sbx_unknown"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"X-API-Key": "sbx_unknown"},
        {"X-API-Key": ""},
    ],
)
@pytest.mark.raises_codes("unauthorized", on="graphql")
async def test_bad_credentials_are_refused_before_anything_runs(
    client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    for document in ("{ errorCatalog { code } }", "{ __typename }", "{ me {"):
        response = await client.post("/graphql", json={"query": document}, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert only_error(response)["code"] == "unauthorized"


async def test_without_credentials_one_may_introspect_and_read_the_catalogue(client: httpx2.AsyncClient) -> None:
    document = "{ __schema { queryType { name } } errorCatalog { code } me { email } }"
    answer = (await client.post("/graphql", json={"query": document})).json()
    assert answer["data"]["__schema"] == {"queryType": {"name": "Query"}}
    assert "unauthorized" in [entry["code"] for entry in answer["data"]["errorCatalog"]]
    assert answer["data"]["me"] is None
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [(["me"], "unauthorized")]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Host": ""},
        {"Origin": "http://", "Host": ""},
        {"Origin": "https://signalbox.test"},  # another scheme, and so another origin
        {"Origin": "x://signalbox.test"},
        {"Origin": "http://signalbox.test:8000"},
        {"Origin": "https://127.0.0.1:8000"},
        {"Origin": "signalbox.test"},
        {"Origin": "http://signalbox.test.evil.example"},
    ],
)
@pytest.mark.raises_codes("forbidden", on="graphql")
async def test_a_request_from_elsewhere_is_refused(
    instance: Instance, workspace: Workspace, headers: dict[str, str]
) -> None:
    kill = 'mutation($e: ID!) { killFlag(input: {environmentId: $e, key: "banner"}) { flagState { killed } } }'
    body = {"query": kill, "variables": {"e": workspace.environment_id}}
    async with instance.unchanged():
        for sent in (body, ME):
            response = await workspace.org.owner.client.post("/graphql", json=sent, headers=headers)
            assert response.status_code == 403
            assert only_error(response)["code"] == "forbidden"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN},
        {"Sec-Fetch-Site": "none"},
        {"Origin": ORIGIN},
        {"Origin": "HTTP://Signalbox.test:80"},
        {"Origin": "http://127.0.0.1:8000"},  # where the instance says that it lives
    ],
)
async def test_a_request_from_our_own_pages_or_from_no_browser_passes(
    workspace: Workspace, headers: dict[str, str]
) -> None:
    response = await workspace.org.owner.client.post("/graphql", json=ME, headers=headers)
    assert response.json()["data"]["me"]["email"] == "acme-owner@example.com"


async def test_every_answer_has_a_request_id_that_is_ours(app: Starlette) -> None:
    async with client_of(app) as client:
        seen = set()
        for document in ("{ __typename }", "{ me { email } }", "{ nothing }"):
            response = await client.post("/graphql", json={"query": document}, headers={"X-Request-Id": "theirs"})
            seen.add(response.headers["x-request-id"])
            assert "theirs" not in response.text
        assert len(seen) == 3
        assert all(one.startswith("req_") and len(one) == 20 for one in seen)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.raises_codes("method_not_allowed", on="graphql")
async def test_another_method_is_told_the_right_ones(client: httpx2.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql", json=ME)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert response.headers["cache-control"] == "no-store"
    assert only_error(response)["code"] == "method_not_allowed"


async def test_a_query_may_come_by_get_and_a_mutation_may_not(workspace: Workspace) -> None:
    owner = workspace.org.owner.client
    assert (await owner.get("/graphql", params=ME)).json()["data"]["me"]["email"] == "acme-owner@example.com"
    response = await owner.get("/graphql", params={"query": "mutation { logout { signedOut } }"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert only_error(response)["code"] == "method_not_allowed"
    assert (await owner.get("/graphql", params=ME)).json()["data"]["me"] is not None
