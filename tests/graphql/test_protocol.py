"""What is refused before a document runs: `errors` without `data`, the same code and status as REST's."""

import json
from typing import Any

import httpx2
import pytest

JSON = {"Content-Type": "application/json"}
BOTH = ["application/json", "application/graphql-response+json"]
DEEP = "[" * 101 + "]" * 101


def sent(**members: Any) -> bytes:
    return json.dumps(members).encode()


def error_of(response: httpx2.Response) -> dict[str, Any]:
    """The one error of an answer without data."""
    body = response.json()
    assert set(body) == {"errors"}
    (error,) = body["errors"]
    assert error["message"]
    assert error["extensions"]["requestId"] == response.headers["x-request-id"]
    return error["extensions"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("accept", BOTH)
@pytest.mark.parametrize(
    ("body", "headers", "fields"),
    [
        (b"", JSON, None),
        (b"{", JSON, None),
        (b"null", JSON, None),
        (b"[]", JSON, None),
        (b'[{"query": "{ __typename }"}]', JSON, None),
        (b'"{ __typename }"', JSON, None),
        (b'{"query": "{ __typename }"}', {"Content-Type": "text/plain"}, None),
        (b'{"query": "{ __typename }"}', {"Content-Type": "application/graphql"}, None),
        (b'{"query": "{ __typename }"}', {}, None),
        (b'{"query": "{ __typename }"}', {"Content-Type": "application/json; charset=latin-1"}, None),
        (b'{"query": "{ __typename } # \xff"}', JSON, None),
        (b'{"query": "{ __typename }", "variables": {"a": NaN}}', JSON, None),
        (b'{"query": "{ __typename }", "variables": {"a": 1e400}}', JSON, {"variables.a"}),
        (b'{"query": "{ __typename }", "query": "{ __typename }"}', JSON, None),
        (b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}', JSON, {"variables.a"}),
        (b'{"query": "{ __typename }", "variables": {"a": ' + DEEP.encode() + b"}}", JSON, None),
        (b'{"query": "' + b" " * 1024 * 1024 + b'"}', JSON, None),
        (sent(), JSON, {"query"}),
        (sent(query=""), JSON, {"query"}),
        (sent(query=None), JSON, {"query"}),
        (sent(query=7), JSON, {"query"}),
        (sent(query={"a": 1}), JSON, {"query"}),
        (sent(query="{ __typename }", variables=[]), JSON, {"variables"}),
        (sent(query="{ __typename }", variables="{}"), JSON, {"variables"}),
        (sent(query="{ __typename }", operationName=7), JSON, {"operationName"}),
        (sent(query="{ __typename }", extensions=[]), JSON, {"extensions"}),
        (sent(extensions={"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}), JSON, {"query"}),
        (sent(id="0" * 64, variables={}), JSON, {"query"}),
        (sent(query="query A { __typename }", operationName="B"), JSON, {"operationName"}),
        (sent(query="query A { __typename }", operationName=""), JSON, {"operationName"}),
        (sent(query="fragment A on Query { __typename }"), JSON, {"operationName"}),
    ],
)
async def test_a_body_that_is_no_request(
    client: httpx2.AsyncClient, accept: str, body: bytes, headers: dict[str, str], fields: set[str] | None
) -> None:
    response = await client.post("/graphql", content=body, headers={"Accept": accept, **headers})
    error = error_of(response)
    assert (response.status_code, error["code"], error["status"]) == (400, "invalid_request", 400)
    if fields is not None:
        assert set(error["fields"]) == fields


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"query": "{"}, "Syntax Error"),
        ({"query": "#"}, "Syntax Error"),
        ({"query": "{ __typename \u0000 }"}, "Syntax Error"),
        ({"query": "{ nothing }"}, "Cannot query field 'nothing'"),
        ({"query": "{ orgs { nodes { nothing } } }"}, "Cannot query field 'nothing'"),
        ({"query": "{ org { name } }"}, "slug"),
        ({"query": "{ org(slug: 7) { name } }"}, "String"),
        ({"query": "{ orgs(first: 1.5) { totalCount } }"}, "Int"),
        ({"query": "{ orgs(first: " + "1" * 5000 + ") { totalCount } }"}, "not of its type"),
        ({"query": "{ orgs(first: 2147483648) { totalCount } }"}, "Int"),
        ({"query": "query ($a: Int) { orgs(first: $a) { totalCount } }", "variables": {"a": "1"}}, "variables.a"),
        ({"query": "query ($a: Int) { orgs(first: $a) { totalCount } }", "variables": {"a": 1.5}}, "variables.a"),
        ({"query": "query ($a: Int!) { orgs(first: $a) { totalCount } }"}, "variables.a"),
        ({"query": "query ($a: String!) { org(slug: $a) { name } }", "variables": {"a": None}}, "variables.a"),
        ({"query": "query ($a: Nothing) { __typename }"}, "Nothing"),
        ({"query": "query ($a: Int) { __typename }"}, "$a"),
        ({"query": "{ orgs(first: $a) { totalCount } }"}, "$a"),
        ({"query": "query A { __typename } query A { __typename }", "operationName": "A"}, "A"),
        ({"query": "type A { a: Int } { __typename }"}, "A"),
        ({"query": "{ __typename @nothing }"}, "@nothing"),
        ({"query": '{ flags(projectId: "", type: NOTHING) { totalCount } }'}, "NOTHING"),
        ({"query": 'mutation { killFlag(input: {key: "a"}) { flagState { id } } }'}, "environmentId"),
        ({"query": 'mutation { killFlag(input: {key: "a", a: 1, environmentId: 1}) { flagState { id } } }'}, "'a'"),
        ({"query": "{ ...A } fragment A on Nothing { id }"}, "Nothing"),
    ],
)
async def test_what_graphql_itself_refuses(client: httpx2.AsyncClient, members: dict[str, Any], message: str) -> None:
    """200 for those who read plain JSON, as the specification has it; 400 under the media type of its own."""
    for accept, status in zip(BOTH, (200, 400), strict=True):
        response = await client.post("/graphql", json=members, headers={"Accept": accept})
        assert response.status_code == status
        assert set(response.json()) == {"errors"}
        assert {error["extensions"]["code"] for error in response.json()["errors"]} == {"invalid_request"}
        assert message in " ".join(
            f"{error['message']} {error['extensions']['fields']}" for error in response.json()["errors"]
        )


async def test_of_several_operations_the_name_says_which(client: httpx2.AsyncClient) -> None:
    document = "query A { a: __typename } query B { b: __typename }"
    for accept in BOTH:
        response = await client.post("/graphql", json={"query": document}, headers={"Accept": accept})
        assert set(error_of(response)["fields"]) == {"operationName"}
    response = await client.post("/graphql", json={"query": document, "operationName": "B"})
    assert response.json() == {"data": {"b": "Query"}}


@pytest.mark.parametrize("accept", BOTH)
async def test_subscriptions_are_not_for_post_or_get(client: httpx2.AsyncClient, accept: str) -> None:
    document = "subscription { environmentChanged { version } }"
    for response in (
        await client.post("/graphql", json={"query": document}, headers={"Accept": accept}),
        await client.get("/graphql", params={"query": document}, headers={"Accept": accept}),
    ):
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_request")


async def test_get_is_for_queries_only(client: httpx2.AsyncClient) -> None:
    response = await client.get("/graphql", params={"query": "{ __typename }"})
    assert response.json() == {"data": {"__typename": "Query"}}
    variables = {"query": "query A($a: Boolean!) { __typename @skip(if: $a) }", "variables": '{"a": true}'}
    response = await client.get("/graphql", params={**variables, "operationName": "A", "extensions": ""})
    assert response.json() == {"data": {}}
    response = await client.get("/graphql", params={"query": "mutation { logout { signedOut } }"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert error_of(response)["code"] == "method_not_allowed"
    for parameters in ({}, {"query": ""}, {"query": "{ __typename }", "variables": "{"}, {"variables": "{}"}):
        response = await client.get("/graphql", params=parameters)
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/graphql-response+json", "application/graphql-response+json"),
        ("application/json, Application/GraphQL-Response+JSON", "application/graphql-response+json"),
        ("application/json;q=0.9, application/graphql-response+json", "application/graphql-response+json"),
        ("application/json, application/graphql-response+json;q=0.9", "application/json"),
        ("application/graphql-response+json;q=0", "application/json"),
        ("image/png", "application/json"),
    ],
)
async def test_the_media_type_is_the_one_asked_for(
    client: httpx2.AsyncClient, accept: str | None, media_type: str
) -> None:
    client.headers.pop("accept")
    headers = {} if accept is None else {"Accept": accept}
    response = await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert response.headers["content-type"].partition(";")[0] == media_type
    assert response.headers["vary"] == "Accept"
    assert response.headers["cache-control"] == "no-store"


async def test_members_that_are_null_or_unknown_are_as_if_they_were_not_there(client: httpx2.AsyncClient) -> None:
    for more in ({"variables": None, "operationName": None, "extensions": None}, {"extensions": {"a": 1}}, {"id": 7}):
        response = await client.post("/graphql", json={"query": "{ __typename }", **more})
        assert response.json() == {"data": {"__typename": "Query"}}
