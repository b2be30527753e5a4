"""Each root field of a document is a request to the rate limits, however it is written."""

from typing import Any

import httpx2
import pytest

from app.domain.rate_limits import Bucket
from app.runtime.rate_limits import MemoryBuckets
from app.services.throttling import PER_PERSON
from tests.factories import Instance, Workspace
from tests.graphql.asking import ask

LIMIT = 8


@pytest.fixture
async def token(instance: Instance, workspace: Workspace) -> httpx2.AsyncClient:
    """A token with eight requests a minute, on a clock that stands still."""
    instance.node.buckets = MemoryBuckets(lambda: 0)
    return (await instance.token(workspace.org, rateLimitPerMin=LIMIT)).client


async def spent(client: httpx2.AsyncClient, document: str, variables: dict[str, Any] | None = None) -> int:
    """What the document took, which runs without errors."""
    response = await client.post("/graphql", json={"query": document, "variables": variables})
    assert "errors" not in response.json(), response.json()
    return LIMIT - int(response.headers["x-ratelimit-remaining"])


ME = "me { email }"
SKIPPED, INCLUDED = "b: me @skip(if: %s) { email }", "c: me @include(if: %s) { email }"


@pytest.mark.parametrize(
    ("document", "requests"),
    [
        ("{ __typename }", 1),
        (f"{{ {ME} }}", 1),
        (f"{{ {ME} {ME} }}", 1),  # one field, run once
        (f"{{ a: {ME} b: {ME} c: {ME} __typename d: __typename }}", 3),
        (f"{{ ...A ...A b: {ME} }} fragment A on Query {{ a: {ME} ...B }} fragment B on Query {{ c: {ME} }}", 3),
        (f"{{ ... {{ a: {ME} }} ... on Query {{ b: {ME} }} }}", 2),
        (f"{{ {ME} {SKIPPED % 'true'} {INCLUDED % 'false'} }}", 1),
        (f"{{ {ME} {SKIPPED % 'false'} {INCLUDED % 'true'} }}", 3),
        (f"{{ ... @skip(if: true) {{ a: {ME} }} ...A @include(if: false) }} fragment A on Query {{ b: {ME} }}", 1),
        (f"query ($yes: Boolean!) {{ {ME} {SKIPPED % '$yes'} {INCLUDED % '$yes'} }}", 2),
        ('{ orgs { nodes { id projects { nodes { id } } } } a: __type(name: "Org") { name } }', 2),
    ],
)
async def test_what_a_document_takes(token: httpx2.AsyncClient, document: str, requests: int) -> None:
    assert await spent(token, document, {"yes": True} if "$yes" in document else None) == requests


async def test_of_several_operations_the_one_that_is_run_counts(token: httpx2.AsyncClient) -> None:
    document = f"query A {{ a: {ME} b: {ME} }} query B {{ {ME} }}"
    response = await token.post("/graphql", json={"query": document, "operationName": "B"})
    assert response.headers["x-ratelimit-remaining"] == "7"


@pytest.mark.raises_codes("token_rate_limit", on="graphql")
async def test_what_the_bucket_does_not_hold_now_is_refused_before_it_runs(
    instance: Instance, workspace: Workspace, token: httpx2.AsyncClient
) -> None:
    assert await spent(token, f"{{ {ME} }}") == 1
    kill = f'killFlag(input: {{environmentId: "{workspace.environment_id}", key: "banner"}}) {{ flagState {{ id }} }}'
    document = "mutation { " + " ".join(f"{name}: {kill}" for name in "abcdefgh") + " }"
    async with instance.unchanged():
        response = await token.post("/graphql", json={"query": document})
    assert response.status_code == 429
    assert [one["extensions"]["code"] for one in response.json()["errors"]] == ["token_rate_limit"]
    assert "data" not in response.json()
    given = {name: response.headers[name] for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "retry-after")}
    assert given == {"x-ratelimit-limit": "8", "x-ratelimit-remaining": "6", "retry-after": "8"}
    assert await spent(token, f"{{ {ME} }}") == 3  # only the first was taken


async def test_more_than_the_bucket_ever_holds_is_a_fault_of_the_document(
    instance: Instance, token: httpx2.AsyncClient
) -> None:
    answer = await ask(token, "{ " + " ".join(f"a{number}: {ME}" for number in range(LIMIT + 1)) + " }")
    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "invalid_request"
    assert error["extensions"]["fields"] == {
        "query": "The operation has 9 root fields, and you have 8 requests a minute."
    }


async def test_root_fields_of_people_count_too(instance: Instance, workspace: Workspace) -> None:
    instance.node.buckets = MemoryBuckets(lambda: 0)
    client = workspace.org.viewer.client
    person = (await workspace.org.viewer.make("me"))["actor"]["id"]
    await instance.node.buckets.take([Bucket(person, PER_PERSON)], PER_PERSON - 4)
    response = await client.post("/graphql", json={"query": f"{{ a: {ME} b: {ME} c: {ME} d: {ME} }}"})
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (429, "rate_limited")
    assert "x-ratelimit-limit" not in response.headers
    assert "errors" not in (await client.post("/graphql", json={"query": f"{{ a: {ME} b: {ME} }}"})).json()


async def test_without_credentials_nothing_is_counted(instance: Instance) -> None:
    document = "{ " + " ".join(f"a{number}: errorCatalog {{ code }}" for number in range(30)) + " }"
    assert "errors" not in await ask(instance.anonymous().client, document)
