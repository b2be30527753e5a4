"""JSON Schemas that take too long or too much are cut off, and harm nobody else."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from app.domain.errors import AppError
from app.engine import json_text
from app.engine.json_schemas import DOES_NOT_MATCH, TOO_MUCH
from app.runtime.schema_checks import MAX_WAITING, SchemaChecks

RECURSIVE: Any = {
    "$ref": "#/$defs/tree",
    "$defs": {
        "tree": {
            "anyOf": [
                {"type": "array", "items": {"$ref": "#/$defs/tree"}},
                {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/tree"}},
            ]
        }
    },
}


def doubling(levels: int, make: Any) -> Any:
    """Each of its definitions asks for the next one twice."""
    definitions = {f"d{n}": make({"$ref": f"#/$defs/d{n + 1}"}) for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**definitions, f"d{levels}": {"type": "string"}}}


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.fixture
def checks() -> Iterator[SchemaChecks]:
    checks = SchemaChecks(seconds=0.2)
    yield checks
    checks.close()


async def ask(
    checks: SchemaChecks, schema: Any, value: Any, new: str | None = None, asker: str = "ada"
) -> dict[str, str]:
    return await checks(asker, json_text.encode(schema), [("value", value)], new)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (doubling(40, lambda next_one: {"if": next_one, "else": next_one}), 1),
        (doubling(60, lambda next_one: {"anyOf": [next_one, True], "unevaluatedProperties": False}), {"a": 1}),
        ({"anyOf": [{"$ref": "#"}] * 3000}, 1),
    ],
)
async def test_what_takes_exponential_time_is_refused_and_others_go_on(
    checks: SchemaChecks, schema: Any, value: Any
) -> None:
    hostile = asyncio.create_task(ask(checks, schema, value, "jsonSchema"))
    turns = 0
    while not hostile.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert await hostile == {"jsonSchema": TOO_MUCH}
    assert turns > 10
    assert await ask(checks, {"type": "string"}, 1) == {"value": "Must be of type string."}


async def test_where_it_is_too_much_to_tell_what_is_wrong_it_is_told_where(
    checks: SchemaChecks,
) -> None:
    assert await ask(checks, RECURSIVE, nested(90)) == {"value": DOES_NOT_MATCH}
    assert await ask(checks, RECURSIVE, nested(2)) == {
        "value": "The value is not valid under any of the schemas listed in the 'anyOf' keyword."
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"$ref": "#"}]},
        {"$dynamicAnchor": "a", "$dynamicRef": "#a"},
        {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#"}}}},
        {"properties": {"a": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}},
        {"$ref": "#/$defs/0", "$defs": {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(1500)} | {"1500": True}},
        {"allOf": [{"$ref": "#/$defs/a"}] * 3000, "$defs": {"a": {"type": "object"}}},
    ],
)
async def test_references_in_circles_and_long_chains_are_no_trouble(checks: SchemaChecks, schema: Any) -> None:
    assert await ask(checks, schema, {"a": {"a": nested(80)}}, "jsonSchema") == {}


async def test_what_is_wrong_with_a_new_schema_is_told_before_what_is_wrong_with_values(checks: SchemaChecks) -> None:
    assert await ask(checks, {"type": "strin"}, 1, "jsonSchema") == {
        "jsonSchema.type": "Must be array, boolean, integer, null, number, object or string, or a list of some of them."
    }
    assert await ask(checks, {"type": "string"}, 1, "jsonSchema") == {"value": "Must be of type string."}


async def test_many_ask_at_once_and_one_who_gives_up_disturbs_nobody(checks: SchemaChecks) -> None:
    costly = doubling(40, lambda next_one: {"if": next_one, "else": next_one})
    gone = asyncio.create_task(ask(checks, costly, 1, asker="grace"))
    await asyncio.sleep(0)
    gone.cancel()
    answers = await asyncio.gather(*(ask(checks, {"const": n}, n if n % 2 else None) for n in range(20)))
    assert [answer == {} for answer in answers] == [bool(n % 2) for n in range(20)]


async def test_many_questions_of_one_hold_up_nobody_else_and_are_limited(checks: SchemaChecks) -> None:
    costly = doubling(40, lambda next_one: {"if": next_one, "else": next_one})
    answered: list[str] = []

    async def answer(asker: str, schema: Any) -> None:
        await ask(checks, schema, 1, asker=asker)
        answered.append(asker)

    waiting = [asyncio.create_task(answer("ada", costly)) for _ in range(3)]
    await asyncio.sleep(0)
    await answer("grace", {"type": "string"})
    assert answered.count("ada") <= 1
    await asyncio.gather(*waiting)
    many = [asyncio.create_task(ask(checks, {"const": n}, n)) for n in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(AppError, match="unavailable"):
        await ask(checks, {}, 1)
    assert await ask(checks, {}, 1, asker="grace") == {}
    assert await asyncio.gather(*many) == [{}] * MAX_WAITING


async def test_a_library_that_runs_out_of_memory_while_it_explains_leaves_the_shorter_answer(
    checks: SchemaChecks,
) -> None:
    schema = {"items": {"enum": list(range(10_000, 15_000))}}
    for _ in range(3):
        assert await ask(checks, schema, list(range(3_500))) == {"value": DOES_NOT_MATCH}
    assert await ask(checks, schema, [10_000]) == {}
