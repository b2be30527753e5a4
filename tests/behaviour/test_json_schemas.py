"""A config's JSON Schema: no environment ever holds a value that does not match it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from app.engine.json_schemas import TOO_MUCH
from tests.clients import Reply
from tests.factories import Instance, Workspace

SCHEMA = {
    "type": "object",
    "properties": {"limits": {"$ref": "#/$defs/limits"}},
    "required": ["limits"],
    "$defs": {"limits": {"type": "object", "properties": {"daily": {"type": "integer", "maximum": 1000}}}},
}
NOT_INTEGER = "Must be of type integer."


def limits(daily: Any) -> dict[str, Any]:
    return {"limits": {"daily": daily}}


def rules(*values: Any) -> list[dict[str, Any]]:
    """One with a value for each but the last, which the split of the last rule has."""
    split = [{"value": values[-1], "percent": 50}, {"value": limits(1), "percent": 50}]
    return [*({"value": value} for value in values[:-1]), {"split": split}]


async def create(workspace: Workspace, **changed: Any) -> Reply:
    body = {"key": "quota", "type": "json", "defaultValue": limits(1), "jsonSchema": SCHEMA, **changed}
    return await workspace.org.editor.do("createConfig", projectId=workspace.project_id, **body)


async def update(workspace: Workspace, **changed: Any) -> Reply:
    return await workspace.org.editor.do("updateConfig", projectId=workspace.project_id, key="quota", **changed)


@pytest.fixture
async def quota(workspace: Workspace) -> dict[str, Any]:
    """A config with a schema; what names its state."""
    (await create(workspace)).unwrap()
    return {"environmentId": workspace.environment_id, "key": "quota"}


async def test_a_schema_is_kept_shown_replaced_and_removed(workspace: Workspace, quota: dict[str, Any]) -> None:
    named = {"projectId": workspace.project_id, "key": "quota"}
    assert (await workspace.org.viewer.make("config", **named))["jsonSchema"] == SCHEMA
    for schema in (False, True):
        # `false` fits nothing, and is refused for what the environment holds.
        reply = await update(workspace, jsonSchema=schema)
        assert (reply.code is None) is schema
    assert (await workspace.org.viewer.make("config", **named))["jsonSchema"] is True
    assert "jsonSchema" not in (await update(workspace, jsonSchema=None)).unwrap()
    await workspace.org.editor.make("updateConfigState", **quota, defaultValue="anything")
    assert "jsonSchema" not in await workspace.org.viewer.make("config", **named)


@pytest.mark.raises_codes("invalid_request")
async def test_a_create_is_refused_with_every_fault_at_its_path(instance: Instance, workspace: Workspace) -> None:
    bad = {"key": "A", "defaultValue": {}, "rules": [*rules(limits("x"), limits(1), limits(0.5)), {}]}
    async with instance.unchanged():
        reply = await create(workspace, **bad)
    assert "key" in reply.fields
    assert {path: text for path, text in reply.fields.items() if path != "key"} == {
        "defaultValue.limits": "Is required.",
        "rules.0.value.limits.daily": NOT_INTEGER,
        "rules.2.split.0.value.limits.daily": NOT_INTEGER,
        "rules.3.value": "Is required.",
    }


@pytest.mark.raises_codes("invalid_request")
@pytest.mark.parametrize("operation", ["updateConfigState", "replaceConfigState"])
async def test_a_state_that_does_not_match_is_refused(
    instance: Instance, workspace: Workspace, quota: dict[str, Any], operation: str
) -> None:
    editor = workspace.org.editor
    async with instance.unchanged():
        reply = await editor.do(
            operation, **quota, defaultValue=limits(1001), rules=rules(limits(1), limits(2), limits("much"))
        )
    assert reply.fields == {
        "defaultValue.limits.daily": "The value is greater than the maximum of 1000.",
        "rules.2.split.0.value.limits.daily": NOT_INTEGER,
    }
    good = rules(limits(1), limits(2), limits(1000.0))
    assert (await editor.make(operation, **quota, defaultValue=limits(1000), rules=good))["rules"] == good


@pytest.mark.raises_codes("invalid_request")
async def test_an_initial_value_matches_as_well(
    instance: Instance, workspace: Workspace, quota: dict[str, Any]
) -> None:
    async with instance.unchanged():
        reply = await update(workspace, initialValue=limits("x"), description="new")
    assert reply.fields == {"initialValue.limits.daily": NOT_INTEGER}
    assert (await update(workspace, initialValue=limits(7))).unwrap()["initialValue"] == limits(7)


@pytest.mark.raises_codes("invalid_request")
async def test_a_new_schema_must_fit_what_every_environment_holds(
    instance: Instance, workspace: Workspace, quota: dict[str, Any]
) -> None:
    editor = workspace.org.editor
    for key in ("eu.staging", "test"):
        made = await editor.make("createEnvironment", projectId=workspace.project_id, key=key, name=key)
        if key == "test":
            quota = {**quota, "environmentId": made["id"]}
    await editor.make(
        "updateConfigState", **quota, defaultValue=limits(2), rules=rules(limits(3), limits(4), limits(1))
    )
    schema = {"properties": {"limits": {"properties": {"daily": {"const": 1}}}}}
    async with instance.unchanged():
        reply = await update(workspace, jsonSchema=schema, initialValue=limits(5))
    expected = "1 was expected."
    assert reply.fields == {
        "initialValue.limits.daily": expected,
        "environments.test.defaultValue.limits.daily": expected,
        "environments.test.rules.0.value.limits.daily": expected,
        "environments.test.rules.1.value.limits.daily": expected,
    }
    async with instance.unchanged():
        reply = await update(workspace, jsonSchema={"required": ["more"]})
    assert set(reply.fields) == {
        "initialValue.more",
        "environments.prod.defaultValue.more",
        'environments.["eu.staging"].defaultValue.more',
        "environments.test.defaultValue.more",
        *(f"environments.test.rules.{index}.value.more" for index in (0, 1)),
        *(f"environments.test.rules.2.split.{index}.value.more" for index in (0, 1)),
    }
    await editor.make("replaceConfigState", **quota, defaultValue=limits(1), rules=[])
    assert (await update(workspace, jsonSchema=schema)).unwrap()["jsonSchema"] == schema


async def test_a_new_schema_and_a_new_initial_value_are_checked_together(
    workspace: Workspace, quota: dict[str, Any]
) -> None:
    schema = {"anyOf": [{"required": ["limits"]}, {"type": "string"}]}
    changed = (await update(workspace, jsonSchema=schema, initialValue="none")).unwrap()
    assert (changed["jsonSchema"], changed["initialValue"]) == (schema, "none")
    made = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="new", name="New")
    state = await workspace.org.viewer.make("configState", environmentId=made["id"], key="quota")
    assert state["defaultValue"] == "none"


@pytest.mark.raises_codes("invalid_request")
@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ({"properties": {"limits": {"type": "strin"}}, "minItems": -1}, (".properties.limits.type", ".minItems")),
        ({"$ref": "https://example.com/schema.json"}, (".$ref",)),
        ({"$ref": "file:///etc/passwd"}, (".$ref",)),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, (".$schema",)),
        ({"properties": {"a.b": {"pattern": "(?=a)"}}}, ('.properties.["a.b"].pattern',)),
        ({"description": "x" * 65_536}, ("",)),
        ("object", ("",)),
        ([], ("",)),
    ],
)
async def test_a_faulty_schema_is_refused_at_its_paths(
    instance: Instance, workspace: Workspace, quota: dict[str, Any], schema: Any, paths: Sequence[str]
) -> None:
    expected = {f"jsonSchema{path}" for path in paths}
    async with instance.unchanged():
        created = await create(workspace, key="other", jsonSchema=schema)
        updated = await update(workspace, jsonSchema=schema)
    assert (set(created.fields), set(updated.fields)) == (expected, expected)


@pytest.mark.raises_codes("invalid_request")
@pytest.mark.parametrize(("kind", "value"), [("string", "a"), ("number", 1), ("boolean", True)])
async def test_only_json_can_have_a_schema(instance: Instance, workspace: Workspace, kind: str, value: Any) -> None:
    expected = {"jsonSchema": "Only a config of type json can have a JSON Schema."}
    async with instance.unchanged():
        assert (await create(workspace, type=kind, defaultValue=value)).fields == expected
    (await create(workspace, type=kind, defaultValue=value, jsonSchema=None)).unwrap()
    async with instance.unchanged():
        assert (await update(workspace, jsonSchema=SCHEMA)).fields == expected


@pytest.mark.raises_codes("invalid_request")
async def test_a_schema_that_takes_too_long_is_refused(instance: Instance, workspace: Workspace) -> None:
    again = [{"if": {"$ref": f"#/$defs/{n + 1}"}, "else": {"$ref": f"#/$defs/{n + 1}"}} for n in range(40)]
    schema = {"$ref": "#/$defs/0", "$defs": {**{str(n): one for n, one in enumerate(again)}, "40": False}}
    async with instance.unchanged():
        reply = await create(workspace, jsonSchema=schema)
    assert reply.fields == {"jsonSchema": TOO_MUCH}


@asynccontextmanager
async def checked_before(
    instance: Instance, happens: Callable[[], Awaitable[Any]], checks: int = 1
) -> AsyncIterator[None]:
    """Within, something else happens after so many checks of a schema, and before the write that they are for."""
    node, made = instance.node, count(1)

    async def check(asker: str, schema: str, values: Any, new: str | None = None) -> dict[str, str]:
        found = await node.schema_checks(asker, schema, values, new)
        if next(made) == checks:
            await happens()
        return found

    host, node.host = node.host, replace(node.host, check_schema=check)
    yield
    node.host = host


@pytest.mark.all_pairs
@pytest.mark.raises_codes("unavailable")
async def test_a_state_that_was_checked_against_another_schema_is_not_written(
    instance: Instance, workspace: Workspace, quota: dict[str, Any]
) -> None:
    async def change_schema() -> None:
        (await update(workspace, jsonSchema={"const": limits(1)})).unwrap()

    async with checked_before(instance, change_schema):
        reply = await workspace.org.editor.do("updateConfigState", **quota, defaultValue=limits(2))
    assert reply.code == "unavailable"
    state = await workspace.org.viewer.make("configState", **quota)
    assert state["defaultValue"] == limits(1)


@pytest.mark.all_pairs
@pytest.mark.raises_codes("unavailable")
async def test_a_schema_that_was_checked_against_other_states_is_not_kept(
    instance: Instance, workspace: Workspace, quota: dict[str, Any]
) -> None:
    async def write_state() -> None:
        await workspace.org.editor.make("updateConfigState", **quota, defaultValue=limits(2))

    async with checked_before(instance, write_state, checks=2):
        reply = await update(workspace, jsonSchema={"const": limits(1)})
    assert reply.code == "unavailable"
    config = await workspace.org.viewer.make("config", projectId=workspace.project_id, key="quota")
    assert config["jsonSchema"] == SCHEMA


@pytest.mark.raises_codes("unavailable")
async def test_an_initial_value_that_was_checked_against_another_schema_is_not_kept(
    instance: Instance, workspace: Workspace, quota: dict[str, Any]
) -> None:
    async def change_schema() -> None:
        (await update(workspace, jsonSchema={"const": limits(1)})).unwrap()

    async with checked_before(instance, change_schema):
        reply = await update(workspace, initialValue=limits(2))
    assert reply.code == "unavailable"
    config = await workspace.org.viewer.make("config", projectId=workspace.project_id, key=quota["key"])
    assert config["initialValue"] == limits(1)


async def test_a_refused_schema_says_nothing_of_what_environments_hold(
    instance: Instance, workspace: Workspace, quota: dict[str, Any]
) -> None:
    """Whoever may change it may not be allowed to read them."""
    await workspace.org.editor.make(
        "updateConfigState", **quota, defaultValue={"limits": {"daily": 7, "note": "secret"}}
    )
    writer = await instance.token(workspace.org, actions=["write"])
    schema = {"properties": {"limits": {"properties": {"note": {"enum": ["a", "b"]}}}}}
    async with instance.unchanged():
        reply = await writer.do("updateConfig", projectId=workspace.project_id, key="quota", jsonSchema=schema)
    assert reply.fields == {"environments.prod.defaultValue.limits.note": 'The value is not one of "a" or "b".'}
