"""Values and contexts of 64 KiB, measured as compact JSON in UTF-8, each at its border."""

from typing import Any

import pytest

from tests.factories import Instance, Place

LARGEST = "é" * 32_767  # two bytes each, and two quotes
TOO_LARGE = f"{LARGEST}x"


def writes(place: Place, value: str) -> list[tuple[str, dict[str, Any], str]]:
    """The calls that hold the value somewhere, and where."""
    flag, default = {"projectId": place.project_id}, {"defaultValue": value}
    split = [{"value": value, "percent": 50}, {"value": "x", "percent": 50}]
    return [
        ("createFlag", {**flag, "key": "large", "type": "string", **default}, "defaultValue"),
        ("updateFlag", {**flag, "key": "banner", "initialValue": value}, "initialValue"),
        ("updateFlagState", {**place.banner, **default}, "defaultValue"),
        ("replaceFlagState", {**place.banner, **default, "rules": []}, "defaultValue"),
        ("updateFlagState", {**place.banner, "rules": [{"value": value}]}, "rules.0.value"),
        ("updateFlagState", {**place.banner, "rules": [{"split": split}]}, "rules.0.split.0.value"),
    ]


@pytest.mark.provokes("invalid_request")
async def test_a_larger_value_is_refused_at_its_path(instance: Instance, place: Place) -> None:
    async with instance.unchanged():
        for operation, arguments, path in writes(place, TOO_LARGE):
            reply = await place.org.editor.do(operation, **arguments)
            assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, {path}), operation


async def test_a_value_of_64_kib_is_kept_and_given(place: Place) -> None:
    for operation, arguments, path in writes(place, LARGEST):
        assert (await place.org.editor.do(operation, **arguments)).code is None, (operation, path)
    assert (await place.evaluated("large"))["value"] == LARGEST


@pytest.mark.parametrize(
    ("largest", "larger"),
    [
        (LARGEST[:-3], f"{LARGEST[:-3]}x"),
        ([10, *[1] * 32_763], [100, *[1] * 32_763]),  # without a space after each comma
    ],
    ids=["text", "list"],
)
@pytest.mark.provokes("invalid_request")
async def test_a_context_has_up_to_64_kib(instance: Instance, place: Place, largest: Any, larger: Any) -> None:
    asked: dict[str, Any] = {"environmentId": place.environment_id, "keys": ["checkout"]}
    async with instance.unchanged():
        (await place.org.viewer.do("evaluate", **asked, context={"a": largest})).unwrap()
        reply = await place.org.viewer.do("evaluate", **asked, context={"a": larger})
        assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, {"context"})
