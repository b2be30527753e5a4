"""Whatever is sent, the answer is the caller's fault or an answer, never ours."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clients import DOCUMENTS
from tests.factories import Place

examples = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

WORDS = [
    *'{}()[]:!$@&|="#',
    *(
        "...",
        "...on",
        "on",
        "query",
        "mutation",
        "fragment A on Query",
        "subscription",
        "null",
        "true",
        '"""',
        "@skip(if: true)",
    ),
    *(
        "id",
        "key",
        "first: 1",
        "last: 0",
        'after: "x"',
        "__typename",
        "$input",
        "$projectId",
        "7",
        "-0",
        "1e999",
        '"\\u0000"',
    ),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def is_no_fault_of_ours(response: httpx2.Response) -> bool:
    """Whether neither the status nor any code tells of a failure."""
    assert response.status_code < 500, response.text
    body = response.json() if response.content and "json" in response.headers.get("content-type", "") else {}
    codes = {error["extensions"]["code"] for error in body.get("errors", ())}
    assert not codes & {"internal", "unavailable"}, body
    return True


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A document of the product with something added, left out or said twice."""
    tokens = draw(st.sampled_from(sorted(DOCUMENTS.values()))).replace("{", " { ").replace("}", " } ").split()
    for _ in range(draw(st.integers(0, 4))):
        at, to = sorted((draw(st.integers(0, len(tokens))), draw(st.integers(0, len(tokens)))))
        match draw(st.sampled_from(["add", "drop", "repeat"])):
            case "add":
                tokens.insert(at, draw(st.sampled_from(WORDS) | st.text(max_size=3)))
            case "drop":
                del tokens[at : min(to, at + 5)]
            case _:
                tokens[at:at] = tokens[at:to] * draw(st.integers(1, 3))
    return " ".join(tokens)


@given(body=st.binary(max_size=200))
@examples
async def test_any_bytes(place: Place, body: bytes) -> None:
    caller = place.org.editor.client
    assert is_no_fault_of_ours(
        await caller.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    )


@given(query=st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
@examples
async def test_any_text(place: Place, query: str) -> None:
    body = json.dumps({"query": query}).encode()
    caller = place.org.editor.client
    assert is_no_fault_of_ours(
        await caller.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    )


@given(
    body=st.fixed_dictionaries({"query": VALUES, "variables": VALUES, "operationName": VALUES, "extensions": VALUES})
)
@examples
async def test_any_members(place: Place, body: dict[str, Any]) -> None:
    assert is_no_fault_of_ours(await place.org.editor.client.post("/graphql", json=body))


@given(
    query=mangled(),
    given=st.fixed_dictionaries(
        {},
        optional={
            "projectId": VALUES,
            "environmentId": VALUES,
            "slug": VALUES,
            "orgSlug": VALUES,
            "key": VALUES,
            "limit": VALUES,
            "cursor": VALUES,
            "search": VALUES,
            "type": VALUES,
            "input": VALUES
            | st.dictionaries(st.sampled_from(["key", "environmentId", "defaultValue", "rules"]), VALUES),
        },
    ),
    real=st.booleans(),
)
@examples
async def test_mangled_documents_with_any_variables(
    place: Place, query: str, given: dict[str, Any], real: bool
) -> None:
    known = {"projectId": place.project_id, "environmentId": place.environment_id, "key": "checkout", "slug": "acme"}
    variables = {**given, **known, "orgSlug": "acme", "input": {**known, "context": {}}} if real else given
    response = await place.org.editor.client.post("/graphql", json={"query": query, "variables": variables})
    assert is_no_fault_of_ours(response)


@given(
    parameters=st.lists(st.tuples(st.sampled_from(["query", "variables", "operationName", "a"]), st.text(max_size=9)))
)
@examples
async def test_any_query_string(place: Place, parameters: list[tuple[str, str]]) -> None:
    text = urlencode(parameters, errors="surrogatepass")
    assert is_no_fault_of_ours(await place.org.viewer.client.get(f"/graphql?{text}"))
