"""Values and contexts of 64 KiB, measured as compact JSON in UTF-8, each at its border."""

from typing import Any

import pytest

from tests.factories import Instance, Workspace

LARGEST = "é" * 32_767  # two bytes each, and two quotes
TOO_LARGE = f"{LARGEST}x"


def writes(workspace: Workspace, value: str) -> list[tuple[str, dict[str, Any], str]]:
    """The calls that hold the value somewhere, and where."""
    flag, default = {"projectId": workspace.project_id}, {"defaultValue": value}
    split = [{"value": value, "percent": 50}, {"value": "x", "percent": 50}]
    return [
        ("createFlag", {**flag, "key": "large", "type": "string", **default}, "defaultValue"),
        ("updateFlag", {**flag, "key": "banner", "initialValue": value}, "initialValue"),
        ("updateFlagState", {**workspace.banner, **default}, "defaultValue"),
        ("replaceFlagState", {**workspace.banner, **default, "rules": []}, "defaultValue"),
        ("updateFlagState", {**workspace.banner, "rules": [{"value": value}]}, "rules.0.value"),
        ("updateFlagState", {**workspace.banner, "rules": [{"split": split}]}, "rules.0.split.0.value"),
    ]


@pytest.mark.raises_codes("invalid_request")
async def test_a_larger_value_is_refused_at_its_path(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        for operation, arguments, path in writes(workspace, TOO_LARGE):
            reply = await workspace.org.editor.do(operation, **arguments)
            assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, {path}), operation


async def test_a_value_of_64_kib_is_kept_and_given(workspace: Workspace) -> None:
    for operation, arguments, path in writes(workspace, LARGEST):
        assert (await workspace.org.editor.do(operation, **arguments)).code is None, (operation, path)
    assert (await workspace.evaluated("large"))["value"] == LARGEST


@pytest.mark.parametrize(
    ("largest", "larger"),
    [
        (LARGEST[:-3], f"{LARGEST[:-3]}x"),
        ([10, *[1] * 32_763], [100, *[1] * 32_763]),  # without a space after each comma
    ],
    ids=["text", "list"],
)
@pytest.mark.raises_codes("invalid_request")
async def test_a_context_has_up_to_64_kib(instance: Instance, workspace: Workspace, largest: Any, larger: Any) -> None:
    asked: dict[str, Any] = {"environmentId": workspace.environment_id, "keys": ["checkout"]}
    async with instance.unchanged():
        (await workspace.org.viewer.do("evaluate", **asked, context={"a": largest})).unwrap()
        reply = await workspace.org.viewer.do("evaluate", **asked, context={"a": larger})
        assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, {"context"})
