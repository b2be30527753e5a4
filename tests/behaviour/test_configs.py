"""Configs: values of any type, which nobody kills."""

from typing import Any

import pytest

from tests.clients import ENDPOINTS
from tests.factories import Instance, Workspace

LARGEST, SMALLEST = 2**64 - 1, -(2**63)
VALUES: list[tuple[str, Any]] = [
    ("string", ""),
    ("number", 0),
    ("number", LARGEST),
    ("number", SMALLEST),
    ("number", 12.5),
    ("boolean", False),
    ("json", None),
    ("json", {"a": [1, {"b": None}], "": True}),
    ("json", [LARGEST, SMALLEST, 0.1]),
]


async def test_a_configs_value_is_what_its_rules_say(workspace: Workspace) -> None:
    made = await workspace.org.editor.make(
        "createConfig", projectId=workspace.project_id, key="theme", type="json", defaultValue=None, name="Theme"
    )
    assert (made["key"], made["type"], made["name"], made["initialValue"]) == ("theme", "json", "Theme", None)
    rules = [{"name": "dark", "if": {"field": "dark", "$equals": True}, "value": {"colour": "#000"}}]
    state = {"environmentId": workspace.environment_id, "key": "theme"}
    written = await workspace.org.editor.make("updateConfigState", **state, rules=rules)
    assert (written["defaultValue"], written["rules"], written["version"]) == (None, rules, await workspace.version())
    assert "killed" not in written
    assert await workspace.org.viewer.make("configState", **state) == written
    answers = [
        (await workspace.org.viewer.make("evaluate", environmentId=workspace.environment_id, context=context))[
            "evaluations"
        ]["theme"]
        for context in ({}, {"dark": True})
    ]
    assert answers[0] == {"value": None, "defaultValue": None, "reason": {"kind": "default"}}
    assert answers[1]["value"] == {"colour": "#000"}
    assert answers[1]["reason"] == {"kind": "rule_match", "ruleIndex": 0, "ruleName": "dark"}


@pytest.mark.parametrize(("value_type", "value"), VALUES)
async def test_a_value_comes_back_as_it_was_sent(workspace: Workspace, value_type: str, value: Any) -> None:
    config = {"key": "new", "type": value_type, "defaultValue": value, "rules": [{"value": value}]}
    await workspace.org.editor.make("createConfig", projectId=workspace.project_id, **config)
    read = await workspace.org.viewer.make("configState", environmentId=workspace.environment_id, key="new")
    found = await workspace.evaluated("new")
    for one in (read["defaultValue"], read["rules"][0].get("value"), found["value"], found["defaultValue"]):
        assert repr(one) == repr(value)


@pytest.mark.parametrize(
    ("value_type", "value"),
    [
        *(("string", one) for one in (1, None, True, ["x"])),
        *(("number", one) for one in ("1", None, True, [1])),
        *(("boolean", one) for one in ("true", None, 0)),
        ("json", "x" * 65_536),
    ],
)
async def test_a_value_of_another_type_is_refused_wherever_it_stands(
    instance: Instance, workspace: Workspace, value_type: str, value: Any
) -> None:
    editor, right = workspace.org.editor, {"string": "x", "number": 1, "boolean": True, "json": 1}[value_type]
    named = {"projectId": workspace.project_id, "key": "new", "type": value_type}
    split = [{"value": right, "percent": 50}, {"value": value, "percent": 50}]
    wrong = {"defaultValue": value, "rules": [{"value": value}, {"split": split}]}
    paths = {"defaultValue", "rules.0.value", "rules.1.split.1.value"}
    async with instance.unchanged():
        reply = await editor.do("createConfig", **named, **wrong)
        assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, paths)
    await editor.make("createConfig", **named, defaultValue=right)
    state = {"environmentId": workspace.environment_id, "key": "new"}
    async with instance.unchanged():
        for operation in ("updateConfigState", "replaceConfigState"):
            reply = await editor.do(operation, **state, **wrong)
            assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, paths)
        identity = {"projectId": workspace.project_id, "key": "new"}
        reply = await editor.do("updateConfig", **identity, initialValue=value)
        assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, {"initialValue"})


@pytest.mark.parametrize("missing", ["defaultValue", "rules"])
async def test_a_replacement_is_a_whole_one(instance: Instance, workspace: Workspace, missing: str) -> None:
    """Null is a value of a JSON config, and not the same as none."""
    whole: dict[str, Any] = {"defaultValue": None, "rules": []}
    if missing == "defaultValue" or instance.transport == "rest":  # GraphQL's own type wants the rules
        async with instance.unchanged():
            given = {name: value for name, value in whole.items() if name != missing}
            reply = await workspace.org.editor.do("replaceConfigState", **workspace.limits, **given)
            assert (reply.code, reply.fields) == ("invalid_request", {missing: "Is required."})
    written = await workspace.org.editor.make("replaceConfigState", **workspace.limits, **whole)
    assert (written["defaultValue"], written["rules"]) == (None, [])


@pytest.mark.parametrize(("before", "after"), [(1, 1.0), (0, -0.0), (1e2, 100), ({"a": [1]}, {"a": [1.0]})])
async def test_numbers_that_are_equal_change_nothing(
    instance: Instance, workspace: Workspace, before: Any, after: Any
) -> None:
    await workspace.org.editor.make("updateConfigState", **workspace.limits, defaultValue=before)
    async with instance.unchanged():
        await workspace.org.editor.make("updateConfigState", **workspace.limits, defaultValue=after)


@pytest.mark.raises_codes("key_collision")
async def test_flags_and_configs_share_their_keys(instance: Instance, workspace: Workspace) -> None:
    project, editor = workspace.project_id, workspace.org.editor
    async with instance.unchanged():
        for operation, key in (("createConfig", "checkout"), ("createFlag", "limits")):
            reply = await editor.do(operation, projectId=project, key=key, type="boolean", defaultValue=True)
            assert (reply.code, reply.status, set(reply.fields)) == ("key_collision", 409, {"key"})
    for operation, key in (("config", "checkout"), ("flag", "limits")):
        assert (await editor.do(operation, projectId=project, key=key)).code == "not_found"


async def test_nothing_kills_a_config() -> None:
    assert {name for name in ENDPOINTS if name.startswith(("kill", "restore"))} == {"killFlag", "restoreFlag"}


async def test_a_config_follows_the_flag_that_it_refers_to(workspace: Workspace) -> None:
    rules = [{"if": {"$flag": "checkout", "$equals": True}, "value": "open"}]
    await workspace.org.editor.make("updateConfigState", **workspace.limits, rules=rules)
    assert (await workspace.evaluated("limits"))["value"] == "open"
    await workspace.org.editor.make("killFlag", **workspace.checkout)
    assert (await workspace.evaluated("limits"))["value"] == {"a": 1}
    back = [{"if": {"$flag": "limits", "$equals": "open"}, "value": True}]
    reply = await workspace.org.editor.do("updateFlagState", **workspace.checkout, rules=back)
    assert reply.fields == {"rules.0.if.$flag": "Creates a reference cycle."}
