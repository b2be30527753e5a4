"""The GraphQL schema as its readers see it: everything described, nothing that one refusal could hide."""

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    is_specified_scalar_type,
)

from app.graphql.schema import schema

SCHEMA = schema._schema
TYPES = {
    name: one
    for name, one in SCHEMA.type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(one)
}
OBJECTS = {name: one for name, one in TYPES.items() if isinstance(one, GraphQLObjectType | GraphQLInterfaceType)}
INPUTS = {name: one for name, one in TYPES.items() if isinstance(one, GraphQLInputObjectType)}
ENUMS = {name: one for name, one in TYPES.items() if isinstance(one, GraphQLEnumType)}
MUTATIONS = SCHEMA.mutation_type.fields if SCHEMA.mutation_type else {}
WITH_FOREIGN_IDS = {"Actor"}  # a user's, a token's or nobody's


def test_everything_is_described() -> None:
    described = {
        **{name: one.description for name, one in TYPES.items()},
        **{
            f"{name}.{field}": one.description for name, type_ in OBJECTS.items() for field, one in type_.fields.items()
        },
        **{
            f"{name}.{field}({word})": argument.description
            for name, type_ in OBJECTS.items()
            for field, one in type_.fields.items()
            for word, argument in one.args.items()
        },
        **{
            f"{name}.{member}": one.description
            for name, type_ in INPUTS.items()
            for member, one in type_.fields.items()
        },
        **{f"{name}.{value}": one.description for name, type_ in ENUMS.items() for value, one in type_.values.items()},
    }
    assert [where for where, description in described.items() if not description] == []


def test_a_description_is_a_sentence() -> None:
    broken = [name for name, one in TYPES.items() if one.description and not one.description.endswith((".", "`"))]
    assert broken == []


def test_the_values_of_enums_are_upper_snake() -> None:
    assert [value for one in ENUMS.values() for value in one.values if value != value.upper()] == []


@pytest.mark.parametrize("name", [one.name for one in (SCHEMA.query_type, SCHEMA.mutation_type) if one])
def test_every_root_field_is_nullable(name: str) -> None:
    assert [field for field, one in OBJECTS[name].fields.items() if isinstance(one.type, GraphQLNonNull)] == []


def test_a_mutation_takes_one_input_of_its_own_and_returns_a_payload_of_its_own() -> None:
    for name, mutation in MUTATIONS.items():
        title = name[0].upper() + name[1:]
        assert str(mutation.type) == f"{title}Payload"
        assert {word: str(argument.type) for word, argument in mutation.args.items()} in (
            {},
            {"input": f"{title}Input!"},
        ), name


def test_a_mutation_that_may_be_told_nothing_has_nothing_to_be_told() -> None:
    assert [name for name, mutation in MUTATIONS.items() if not mutation.args] == ["logout", "deleteOtherSessions"]


def test_what_has_an_id_is_a_node() -> None:
    for name, one in OBJECTS.items():
        if "id" in one.fields and name not in WITH_FOREIGN_IDS:
            assert name == "Node" or "Node" in [interface.name for interface in one.interfaces], name
            assert str(one.fields["id"].type) == "ID!", name


def test_a_connection_is_relays() -> None:
    connections = [one for name, one in OBJECTS.items() if name.endswith("Connection")]
    assert len(connections) > 4
    for one in connections:
        assert set(one.fields) == {"edges", "nodes", "pageInfo", "totalCount"}, one.name
