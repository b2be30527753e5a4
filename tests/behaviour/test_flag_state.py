"""A flag's state: changed, killed and restored; and what changes nothing."""

from typing import Any

import pytest

from tests.factories import Instance, Place


async def test_a_default_is_changed(place: Place) -> None:
    before = await place.org.viewer.make("flagState", **place.banner)
    changed = await place.org.editor.make("updateFlagState", **place.banner, defaultValue="bye")
    assert (changed["defaultValue"], changed["version"]) == ("bye", await place.version())
    assert (changed["updatedBy"]["name"], before["updatedBy"]["name"]) == ("acme-editor", "acme-owner")
    assert changed["updatedAt"] > before["updatedAt"]
    told = ("defaultValue", "version", "updatedAt", "updatedBy")
    assert {name: value for name, value in changed.items() if name not in told} == {
        name: value for name, value in before.items() if name not in told
    }
    assert await place.org.viewer.make("flagState", **place.banner) == changed


@pytest.mark.parametrize("value", ["", "null", "\0", "ünïcödé \U0001f600", "x" * 10_000, " "])
async def test_a_string_comes_back_as_it_was_sent(place: Place, value: str) -> None:
    changed = await place.org.editor.make("updateFlagState", **place.banner, defaultValue=value)
    assert changed["defaultValue"] == value
    assert (await place.evaluated("banner"))["value"] == value


async def test_kill_and_restore(place: Place) -> None:
    killed = await place.org.editor.make("killFlag", **place.checkout)
    assert (killed["killed"], killed["defaultValue"], killed["version"]) == (True, True, await place.version())
    restored = await place.org.editor.make("restoreFlag", **place.checkout)
    assert (restored["killed"], restored["version"]) == (False, killed["version"] + 1)
    assert await place.org.viewer.make("flagState", **place.checkout) == restored


async def test_a_killed_flag_is_changed_and_stays_killed(place: Place) -> None:
    await place.org.editor.make("killFlag", **place.banner)
    changed = await place.org.editor.make("updateFlagState", **place.banner, defaultValue="bye")
    assert (changed["killed"], changed["defaultValue"]) == (True, "bye")


async def test_one_environment_is_changed_and_no_other(place: Place) -> None:
    dev = await place.org.editor.make("createEnvironment", projectId=place.project_id, key="dev", name="Dev")
    await place.org.editor.make("killFlag", **place.checkout)
    state = await place.org.viewer.make("flagState", environmentId=dev["id"], key="checkout")
    assert (state["killed"], state["version"]) == (False, 0)


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("updateFlagState", {}),
        ("updateFlagState", {"defaultValue": "hello"}),
        ("updateFlagState", {"rules": []}),
        ("updateFlagState", {"defaultValue": "hello", "rules": [], "reason": "Just to be sure."}),
        ("restoreFlag", {}),
        ("restoreFlag", {"reason": "Just to be sure."}),
    ],
)
async def test_a_write_that_changes_nothing_leaves_no_trace(
    instance: Instance, place: Place, operation: str, arguments: dict[str, Any]
) -> None:
    before = await place.org.viewer.do("flagState", **place.banner)
    async with instance.unchanged():
        reply = await place.org.editor.do(operation, **place.banner, **arguments)
        assert (reply.code, reply.status) == (None, 200)
        assert (reply.data, reply.etag) == (before.data, before.etag)
    assert await place.version() == place.environment["version"]


async def test_killing_a_killed_flag_leaves_no_trace(instance: Instance, place: Place) -> None:
    killed = await place.org.editor.make("killFlag", **place.checkout)
    async with instance.unchanged():
        assert await place.org.admin.make("killFlag", **place.checkout, reason="Again!") == killed


@pytest.mark.parametrize(
    ("operation", "key", "arguments"),
    [
        ("updateOrg", "slug", {"name": "Acme"}),
        ("updateOrg", "slug", {}),
        ("updateProject", "projectId", {"name": "Web"}),
        ("updateEnvironment", "environmentId", {"name": "Production"}),
    ],
)
async def test_a_rename_to_the_same_name_leaves_no_trace(
    instance: Instance, place: Place, operation: str, key: str, arguments: dict[str, Any]
) -> None:
    ids = {"slug": place.org.slug, "projectId": place.project_id, "environmentId": place.environment_id}
    async with instance.unchanged():
        reply = await place.org.admin.do(operation, **{key: ids[key]}, **arguments)
        assert (reply.code, reply.status) == (None, 200)


@pytest.mark.parametrize(
    ("key", "arguments", "faults"),
    [
        ("checkout", {"defaultValue": "true"}, {"defaultValue"}),
        ("checkout", {"defaultValue": None}, {"defaultValue"}),
        ("checkout", {"defaultValue": 0}, {"defaultValue"}),
        ("banner", {"defaultValue": ["a"]}, {"defaultValue"}),
        ("banner", {"defaultValue": "x", "reason": "r" * 2001}, {"reason"}),
        ("banner", {"reason": "\0"}, {"reason"}),
    ],
)
async def test_a_change_with_faults_changes_nothing(
    instance: Instance, place: Place, key: str, arguments: dict[str, Any], faults: set[str]
) -> None:
    async with instance.unchanged():
        reply = await place.org.editor.do("updateFlagState", environmentId=place.environment_id, key=key, **arguments)
        assert (reply.code, reply.status, set(reply.fields)) == ("invalid_request", 400, faults)


@pytest.mark.parametrize("operation", ["updateFlagState", "killFlag", "restoreFlag"])
async def test_a_flag_that_is_not_there_is_not_found(instance: Instance, place: Place, operation: str) -> None:
    async with instance.unchanged():
        for key in ("none", "CHECKOUT", "checkout ", "%00", "\0"):
            reply = await place.org.editor.do(operation, environmentId=place.environment_id, key=key)
            assert (reply.code, reply.status) == ("not_found", 404), key


@pytest.mark.provokes("approval_not_supported")
async def test_where_it_is_protected_a_change_waits_for_approval(instance: Instance, place: Place) -> None:
    await place.org.editor.make("killFlag", **place.banner)
    await instance.protect(place.environment_id)
    async with instance.unchanged():
        for operation, arguments in (("updateFlagState", {"defaultValue": "bye"}), ("restoreFlag", {})):
            reply = await place.org.owner.do(operation, **place.banner, **arguments)
            assert (reply.code, reply.status) == ("approval_not_supported", 403)
        await place.org.editor.make("updateFlagState", **place.banner, defaultValue="hello")  # what changes nothing


async def test_where_it_is_protected_a_kill_is_immediate(instance: Instance, place: Place) -> None:
    await instance.protect(place.environment_id)
    killed = await place.org.editor.make("killFlag", **place.checkout, reason="It burns.")
    assert killed["killed"] is True
    assert (await instance.audited())[-1].action == "kill"
