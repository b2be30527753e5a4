"""A JSON Schema is checked before it is kept, and each fault of it or of a value is told at its own path."""

import asyncio
from typing import Any

import pytest

from app.engine import json_text
from app.engine.json_schemas import DIALECT, compiled, faults_of_schema, faults_of_values

ELSEWHERE = "Refers to something that is not in this schema. Other documents are never fetched."
PATTERN = "Must be a regular expression without look-around and back-references, of at most 1 MiB when compiled."


def value_faults(schema: Any, value: Any) -> dict[str, str]:
    return faults_of_values(compiled(json_text.encode(schema)), [("v", value)])


@pytest.mark.parametrize(
    "schema",
    [
        True,
        False,
        {},
        {"$schema": DIALECT},
        {"$id": "https://example.com/a", "$defs": {"b": {"$id": "b", "type": "string"}}, "$ref": "b"},
        {"$ref": DIALECT},
        {"properties": {"$ref": {"type": "string"}}, "enum": [{"$ref": "http://example.com"}], "format": "date"},
        {"pattern": r"^\p{Lu}[\w-]{1,64}\cA$", "$comment": "c", "x-own": {"$ref": "#/nowhere"}},
    ],
)
def test_schemas_that_are_accepted(schema: Any) -> None:
    assert faults_of_schema(schema, "jsonSchema") == {}


@pytest.mark.parametrize(
    ("schema", "faults"),
    [
        (3, {"": "Must be of type boolean or object."}),
        (
            {"properties": {"limits": {"type": "strin"}, "a.b": {"minimum": "1"}}, "required": "a"},
            {
                ".properties.limits.type": "Must be array, boolean, integer, null, number, object or string, "
                "or a list of some of them.",
                '.properties.["a.b"].minimum': "Must be of type number.",
                ".required": "Must be of type array.",
            },
        ),
        (
            {
                "pattern": "(?=a)b",
                "patternProperties": {r"(.)\1": True},
                "items": {"pattern": "(a"},
                "not": {"pattern": r"(\p{L}{1000}){1000}"},
            },
            {
                ".pattern": PATTERN,
                r'.patternProperties.["(.)\1"]': PATTERN,
                ".items.pattern": PATTERN,
                ".not.pattern": PATTERN,
            },
        ),
        (
            {"$ref": "#/$defs/a", "anyOf": [{}, {"$dynamicRef": "#b"}]},
            {".$ref": ELSEWHERE, ".anyOf.1.$dynamicRef": ELSEWHERE},
        ),
        (
            {
                "$id": "https://example.com/a/",
                "$defs": {"b": {"$id": "b/", "items": {"$ref": "c"}}},
                "not": {"$ref": "b/"},
            },
            {".$defs.b.items.$ref": ELSEWHERE},
        ),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "$defs": {"b": {"$id": "b", "$schema": "urn:c"}}},
            dict.fromkeys(
                (".$schema", ".$defs.b.$schema"), f"Must be {DIALECT}, or left out: no other dialect is supported."
            ),
        ),
        ({"$ref": "http://[a"}, {"": "Invalid URI reference 'http://[a': invalid IPv6 address at index 8."}),
    ],
)
def test_all_faults_of_a_schema_are_told_at_their_paths(schema: Any, faults: dict[str, str]) -> None:
    assert faults_of_schema(schema, "jsonSchema") == {f"jsonSchema{path}": text for path, text in faults.items()}


@pytest.mark.parametrize("reference", ["http://127.0.0.1:{port}/a", "file:///etc/hostname", "//127.0.0.1:{port}/a"])
async def test_nothing_is_opened_for_a_reference(reference: str) -> None:
    asked = []
    server = await asyncio.start_server(lambda *_: asked.append(1), "127.0.0.1")
    async with server:
        reference = reference.format(port=server.sockets[0].getsockname()[1])
        for schema in ({"$ref": reference}, {"$id": reference, "$ref": "b"}, {"$dynamicRef": reference}):
            faults = await asyncio.to_thread(faults_of_schema, schema, "jsonSchema")
            assert list(faults.values()) == [ELSEWHERE]
    assert asked == []


def test_faults_of_a_value_are_told_where_they_are_and_do_not_repeat_it() -> None:
    schema = {
        "required": ["a", "b"],
        "properties": {
            "limits": {"properties": {"daily": {"type": ["integer", "null"]}, "c.d": {"maximum": 3}}},
            "list": {"prefixItems": [True], "items": False},
            "rest": {"unevaluatedProperties": False},
            "any": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "text": {"pattern": "^a+$", "minLength": 8},
        },
        "additionalProperties": False,
    }
    value = {
        "a": 1,
        "limits": {"daily": "secret", "c.d": 4},
        "list": [1, "secret"],
        "rest": {"e": 1},
        "any": 3,
        "text": "secret",
        "more": 1,
        "much.more": 2,
    }
    assert value_faults(schema, value) == {
        "v.a": "Is not allowed.",
        "v.b": "Is required.",
        "v.limits.daily": "Must be of type null or integer.",
        'v.limits.["c.d"]': "The value is greater than the maximum of 3.",
        "v.list.1": "Is not allowed.",
        "v.rest.e": "Is not allowed.",
        "v.any": "The value is not valid under any of the schemas listed in the 'anyOf' keyword.",
        "v.text": "The value is shorter than 8 characters.",
        "v.more": "Is not allowed.",
        'v.["much.more"]': "Is not allowed.",
    }


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        ({"const": 2**64 - 1}, 2**64 - 1, 2**64 - 2),
        ({"const": 2**64 - 1}, 2**64 - 1, float(2**64)),
        ({"maximum": 2**53 + 1}, 2**53 + 1, 2**53 + 2),
        ({"maximum": 2**53 + 1}, 2.0**53, 2.0**53 + 2),
        ({"exclusiveMinimum": -(2**63)}, -(2**63) + 1, -(2**63)),
        ({"multipleOf": 3}, 2**64 - 1, 2**64 - 2),
        ({"multipleOf": 0.01}, 19.99, 19.995),
        ({"type": "integer"}, 1e300, 1.5),
        ({"enum": [1, "1"]}, 1.0, True),
        ({"uniqueItems": True}, [1, True, "1"], [1, 1.0]),
    ],
)
def test_numbers_are_compared_as_they_are_kept(schema: Any, valid: Any, invalid: Any) -> None:
    assert value_faults(schema, valid) == {}
    assert value_faults(schema, invalid) != {}


def test_no_more_faults_are_told_than_an_answer_holds() -> None:
    assert len(value_faults({"items": {"type": "string"}}, [1] * 1000)) == json_text.MAX_FAULTS
    assert len(faults_of_schema({"allOf": [{"type": 1}] * 1000}, "jsonSchema")) == json_text.MAX_FAULTS
