"""Whatever is sent, the answer is the caller's fault or an answer, never ours."""

import json
from typing import Any
from urllib.parse import urlencode

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from tests.documents import DOCUMENTS
from tests.examples import examples
from tests.factories import Workspace

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


async def post(workspace: Workspace, body: bytes) -> None:
    """Sends the body, and holds the answer to be no failure of ours."""
    headers = {"Content-Type": "application/json"}
    hold(await workspace.org.editor.client.post("/graphql", content=body, headers=headers))


def hold(response: httpx2.Response) -> None:
    """Neither the status nor any code tells of a failure."""
    assert response.status_code < 500, response.text
    codes = {error["extensions"]["code"] for error in response.json().get("errors", ())}
    assert not codes & {"internal", "unavailable"}, response.text


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
@examples(1.5)
async def test_any_bytes(workspace: Workspace, body: bytes) -> None:
    await post(workspace, body)


@given(query=st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
@examples(1.5)
async def test_any_text(workspace: Workspace, query: str) -> None:
    await post(workspace, json.dumps({"query": query}).encode())


@given(
    body=st.fixed_dictionaries({"query": VALUES, "variables": VALUES, "operationName": VALUES, "extensions": VALUES})
)
@examples(1.5)
async def test_any_members(workspace: Workspace, body: dict[str, Any]) -> None:
    await post(workspace, json.dumps(body).encode())


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
@examples(1.5)
async def test_mangled_documents_with_any_variables(
    workspace: Workspace, query: str, given: dict[str, Any], real: bool
) -> None:
    known = {
        "projectId": workspace.project_id,
        "environmentId": workspace.environment_id,
        "key": "checkout",
        "slug": "acme",
    }
    variables = {**given, **known, "orgSlug": "acme", "input": {**known, "context": {}}} if real else given
    await post(workspace, json.dumps({"query": query, "variables": variables}).encode())


@given(
    parameters=st.lists(st.tuples(st.sampled_from(["query", "variables", "operationName", "a"]), st.text(max_size=9)))
)
@examples(1.5)
async def test_any_query_string(workspace: Workspace, parameters: list[tuple[str, str]]) -> None:
    text = urlencode(parameters, errors="surrogatepass")
    hold(await workspace.org.viewer.client.get(f"/graphql?{text}"))
