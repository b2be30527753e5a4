"""Limits on documents: each with a clear message, none to be dodged, none in the way of who asks for little."""

import time

import httpx2
import pytest
from graphql import get_introspection_query

from app.graphql import limits
from tests.factories import Workspace
from tests.graphql.asking import ask, refused

INTROSPECTION = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
    one_of=True,
)


def nested(levels: int) -> str:
    return "{ orgs " + "{ nodes { projects " * levels + "{ totalCount } " + "} } " * levels + "}"


def spread(levels: int, times: int, innermost: str) -> str:
    """Fragments on projects that spread each other, `times` times each: a bomb."""
    fragments = [
        f"fragment F{level} on Project {{ id {' '.join([f'...F{level + 1}'] * times)} }}" for level in range(levels)
    ]
    return f"{{ project {{ ...F0 }} }} {' '.join(fragments)} fragment F{levels} on Project {{ {innermost} }}"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ " + "__typename " * 2000 + "}", "Document contains more than 2000 tokens."),
        ("{ __typename } #" + "x" * 100_000, "The document has more than 100000 characters;"),
        ("{ " + "... { " * 30 + "__typename" + " }" * 31, "The document is more than 30 fields and fragments deep."),
        (nested(15), "The document is more than 30 fields and fragments deep."),
        (spread(28, 1, "org { id }"), "The document is more than 30 fields and fragments deep."),
        (
            "{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }",
            "The document has 31 aliases;",
        ),
        ("{ __typename " + "@skip(if: false) " * 51 + "}", "The document has 51 directives; 50 are allowed."),
        ("query ($a: ID" + " @skip(if: false)" * 51 + ") { __typename }", "The document has 51 directives;"),
        ("{ " + "errorCatalog { code } " * 101 + "}", "The document has errorCatalog 101 times; 100 are allowed."),
        ("{ " + "a: errorCatalog { code } " * 31 + "}", "The document has 31 aliases;"),
        (
            "{ orgs { nodes { projects { nodes { id flags(first: 99) { nodes { id } } } } } } }",
            "costs 1000100;",
        ),
    ],
)
async def test_each_limit_says_what_is_too_much(workspace: Workspace, document: str, message: str) -> None:
    assert message in (await refused(workspace.org.viewer.client, document))["message"]


@pytest.mark.parametrize(
    "document",
    [
        INTROSPECTION,
        "{ " + "__typename " * 100 + "}",
        "{ " + "... { " * 29 + "__typename" + " }" * 30,
        spread(27, 1, "id"),
        "{ " + " ".join(f"a{n}: __typename" for n in range(30)) + " }",
        "{ __typename " + "@include(if: true) " + "}",
        "{ " + "errorCatalog { code } " * 100 + "}",
    ],
)
async def test_what_is_within_the_limits_is_answered(client: httpx2.AsyncClient, document: str) -> None:
    answer = await ask(client, document, {"a": None})
    assert "data" in answer, answer


async def test_all_of_the_schema_can_be_read_at_once(client: httpx2.AsyncClient) -> None:
    answer = await ask(client, INTROSPECTION)
    assert "errors" not in answer
    assert len(answer["data"]["__schema"]["types"]) > 20


async def test_introspection_cannot_be_nested_or_repeated_without_end(client: httpx2.AsyncClient) -> None:
    deep = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    assert (await refused(client, deep))["message"] == "Maximum introspection depth exceeded"
    whole = "types { fields { args { type { ofType { ofType { name } } } } } }"
    wide = "{ __schema { " + " ".join(f"a{n}: {whole}" for n in range(30)) + " } }"
    assert "costs" in (await refused(client, wide))["message"]


PROJECTS = "projects(first: 10) { nodes { id } }"


@pytest.mark.parametrize(
    ("document", "variables", "cost"),
    [
        ("{ errorCatalog { code } }", {}, 0),
        ('{ org(slug: "a") { name } }', {}, 1),
        ("{ orgs { totalCount } }", {}, 100),
        ("{ orgs { nodes { id } } }", {}, 100),
        ("{ orgs { edges { node { id } } pageInfo { endCursor } } }", {}, 100),
        ("{ orgs(last: 7) { nodes { id } } }", {}, 7),
        ("{ orgs(first: null, last: 7) { nodes { id } } }", {}, 7),
        ("{ orgs(first: 5) { nodes { projects(first: 3) { nodes { id } } } } }", {}, 5 + 15),
        ("{ orgs(first: 5) { edges { node { projects(first: 3) { edges { node { id } } } } } } }", {}, 5 + 15),
        ("{ orgs(first: 5) { nodes { " + PROJECTS + " } edges { node { " + PROJECTS + " } } } }", {}, 5 + 50 + 50),
        ("query ($n: Int) { orgs(first: $n) { nodes { id } } }", {"n": 12}, 12),
        ("query ($n: Int) { orgs(first: $n) { nodes { id } } }", {"n": None}, 100),
        ("query ($n: Int) { orgs(first: $n) { nodes { id } } }", {}, 100),
        ("query ($n: Int = 9) { orgs(first: $n) { nodes { id } } }", {}, 9),
        ("query ($n: Int = 9) { orgs(first: $n) { nodes { id } } }", {"n": 2_000_000_000}, 1000),
        ("query ($n: Int = 9) { orgs(first: $n) { nodes { id } } }", {"n": -5}, 1),
        ("{ orgs(first: 5) { ...A } } fragment A on OrgConnection { nodes { " + PROJECTS + " } }", {}, 5 + 50),
        ("{ orgs(first: 5) { ... { nodes { ... on Org { " + PROJECTS + " } } } } }", {}, 5 + 50),
        ("{ ...A ...A } fragment A on Query { orgs(first: 5) { totalCount } }", {}, 10),
        ("{ a: orgs(first: 5) { totalCount } b: orgs(first: 5) { totalCount } }", {}, 10),
        ("query A { orgs { totalCount } } query B { orgs(first: 2) { totalCount } }", {"operationName": "B"}, 2),
        ('{ flag(projectId: "", key: "") { states { id environment { id } } } }', {}, 1 + 100 + 100),
        ('{ node(id: "") { id ... on Project { org { id } } } }', {}, 1 + 1),
        ("{ me { orgs { org { id } } } }", {}, 100),
        ("{ __schema { types { name } } }", {}, 10 + 100),
        ('mutation { killFlag(input: {environmentId: "", key: ""}) { flagState { flag { id } } } }', {}, 2),
    ],
)
async def test_the_cost_is_what_the_answer_can_hold(
    client: httpx2.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    document: str,
    variables: dict[str, object],
    cost: int,
) -> None:
    name = variables.pop("operationName", None)
    monkeypatch.setattr(limits, "MAX_COST", cost)
    assert "data" in await ask(client, document, variables, operationName=name)
    monkeypatch.setattr(limits, "MAX_COST", cost - 1)
    assert f"The document costs {cost};" in (await refused(client, document, variables, operationName=name))["message"]


async def test_a_cached_document_costs_what_its_variables_make_it(client: httpx2.AsyncClient) -> None:
    document = "query ($n: Int) { orgs(first: $n) { nodes { projects(first: $n) { nodes { id } } } } }"
    for _ in range(2):
        assert "data" in await ask(client, document, {"n": 400})
        assert "costs 250500;" in (await refused(client, document, {"n": 500}))["message"]


async def test_a_bomb_of_fragments_is_measured_without_going_off(client: httpx2.AsyncClient) -> None:
    started = time.process_time()
    bomb = spread(25, 20, "org { id }")
    assert f"costs {1 + 20**25};" in (await refused(client, bomb))["message"]
    assert time.process_time() - started < 5


async def test_fragments_in_a_circle_are_refused(client: httpx2.AsyncClient) -> None:
    circle = "{ project { ...A } } fragment A on Project { org { id } ...B } fragment B on Project { id ...A }"
    assert "Cannot spread fragment 'A' within itself" in (await refused(client, circle))["message"]


async def test_no_document_within_the_limits_takes_long_to_validate(client: httpx2.AsyncClient) -> None:
    """What makes validation slow is one field many times over, for it compares each with each."""
    fields = ("errorCatalog { code }", "me { email }", "orgs { totalCount }", '__type(name: "A") { name }')
    document = "{ " + " ".join(field for field in fields for _ in range(100)) + " }"
    started = time.process_time()
    await ask(client, document)
    assert time.process_time() - started < 5
