"""What one transport can do the other can, by the same name and under the same row of the policy."""

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from app.domain.commands import NoBody, names_of
from app.graphql.schema import schema
from app.rest.app import TABLE
from app.rest.openapi.document import accepts_if_match, document
from scripts._parity import GRAPHQL_ONLY, REST_ONLY, WITHOUT_ROW, Line, lines

LINES = lines()
READS = {endpoint.path for endpoint in TABLE if endpoint.method == "GET" and not endpoint.is_list}
MUTATIONS = [line for line in LINES if line.field is not None and line.field.startswith("Mutation.")]
SESSION_COOKIE = {"logout", "deleteOtherSessions"}  # have nothing to say
WITH_INPUT = [line for line in MUTATIONS if line.name not in SESSION_COOKIE]


def test_neither_side_lacks_what_the_other_has() -> None:
    assert {line.name for line in LINES if line.field is None} == set(REST_ONLY)
    assert {line.name for line in LINES if line.endpoint is None} == set(GRAPHQL_ONLY)


def test_every_operation_has_its_row_of_the_policy_or_a_reason() -> None:
    assert {line.name for line in LINES if line.endpoint and not line.rows} == set(WITHOUT_ROW)


def test_what_writes_over_rest_is_a_mutation_and_nothing_else_is() -> None:
    writes = {line.name for line in LINES if line.endpoint and not line.endpoint.safe}
    asked_by_post = {"evaluate", "preview", "history", "evaluateFlag", "evaluateFlags"}
    assert writes - asked_by_post == {line.name for line in MUTATIONS}


@pytest.mark.parametrize("line", WITH_INPUT, ids=[line.name for line in WITH_INPUT])
def test_an_input_has_the_members_of_the_body_and_of_the_path(line: Line) -> None:
    endpoint, given = line.endpoint, input_of(line)
    assert endpoint is not None
    body = names_of(endpoint.body or NoBody)
    assert body <= given
    beside = given - {"ifMatch", "breakGlass"}
    repeated = body & {"key", "token"} if endpoint.path.endswith(("{key}", "{token}")) else set()
    assert len(beside) == len(body) - len(repeated) + endpoint.path.count("{")
    assert ("ifMatch" in given) == accepts_if_match(endpoint, READS)


@pytest.mark.parametrize("line", WITH_INPUT, ids=[line.name for line in WITH_INPUT])
def test_who_may_break_the_glass_over_rest_may_in_graphql(line: Line) -> None:
    assert line.endpoint is not None
    path = next(path for path in DOCUMENT["paths"] if _same(path, line.endpoint.address))
    operation = DOCUMENT["paths"][path][line.endpoint.method.lower()]
    over_rest = {"$ref": "#/components/parameters/BreakGlass"} in operation.get("parameters", ())
    assert ("breakGlass" in input_of(line)) == over_rest


DOCUMENT = document(TABLE)


def _same(template: str, path: str) -> bool:
    return template.replace("_", "").lower() == path.replace("_", "").lower()


def input_of(line: Line) -> set[str]:
    """The names of the members of a mutation's input."""
    mutations = schema._schema.mutation_type
    assert mutations is not None
    kind = get_named_type(mutations.fields[line.name].args["input"].type)
    assert isinstance(kind, GraphQLInputObjectType)
    return set(kind.fields)
