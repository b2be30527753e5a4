"""What a context received between two instants."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from app.engine.instants import rfc3339
from tests.behaviour.test_as_of import CONTEXT, TO_STAFF, Writer, evaluated
from tests.clients import Api
from tests.clock import SetClock
from tests.factories import Instance, Workspace

DEFAULT = {"kind": "default"}
LONG_AGO, LONG_HENCE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


async def received(workspace: Workspace, caller: Api | None = None, **asked: Any) -> dict[str, Any]:
    window = {"since": LONG_AGO, "until": LONG_HENCE, "context": CONTEXT}
    found = await (caller or workspace.org.viewer).make(
        "history", environmentId=workspace.environment_id, **{**window, **asked}
    )
    return dict(found)


async def of_key(workspace: Workspace, key: str, **asked: Any) -> list[tuple[int, Any, Any]]:
    """Version, value and reason of each entry."""
    found = await received(workspace, keys=[key], **asked)
    assert found["truncated"] is False
    return [(one["version"], one["value"], one["reason"]) for one in found["primitives"][key]["entries"]]


async def test_it_has_an_entry_where_value_or_reason_changed(workspace: Workspace, clock: SetClock) -> None:
    editor, first = workspace.org.editor, await workspace.version()
    since = rfc3339(clock.now())
    await editor.make("killFlag", **workspace.checkout)
    await editor.make("updateFlagState", **workspace.banner, rules=TO_STAFF)
    await editor.make("updateAllowList", **workspace.staff, add=["u-9"])
    await editor.make("updateAllowList", **workspace.staff, add=["u-1"])
    until = rfc3339(clock.now())
    await editor.make("updateFlagState", **workspace.banner, rules=[{"value": "hello"}])
    staff = {"kind": "rule_match", "ruleIndex": 0}
    expected = [(first, "hello", DEFAULT), (first + 4, "for staff", staff), (first + 5, "hello", staff)]
    assert await of_key(workspace, "banner", since=since) == expected
    assert await of_key(workspace, "banner", since=since, until=until) == expected[:2]
    assert await of_key(workspace, "banner", since=until) == [(first + 4, "for staff", staff), expected[2]]
    found = await received(workspace, since=since, until=until)
    assert set(found["primitives"]) == {"banner", "checkout", "limits"}
    assert found["primitives"]["banner"]["type"] == "string"
    assert found["primitives"]["banner"]["entries"][0]["asOf"] == since
    state = await workspace.org.viewer.make("segmentState", **workspace.staff)
    assert found["primitives"]["banner"]["entries"][1]["asOf"] == state["updatedAt"]


async def test_what_was_not_there_is_null(workspace: Workspace, clock: SetClock) -> None:
    since, first = rfc3339(clock.now()), await workspace.version()
    flag = {"projectId": workspace.project_id, "key": "new", "type": "boolean", "defaultValue": True}
    await workspace.org.editor.make("createFlag", **flag)
    await workspace.org.admin.make("deleteFlag", projectId=workspace.project_id, key="new")
    config = {"projectId": workspace.project_id, "key": "new", "type": "number", "defaultValue": 5}
    await workspace.org.editor.make("createConfig", **config)
    entries = [(first, None, None), (first + 1, True, DEFAULT), (first + 2, None, None), (first + 3, 5, DEFAULT)]
    assert await of_key(workspace, "new", since=since) == entries
    found = await received(workspace, since=since)
    assert found["primitives"]["new"] == (await received(workspace, since=since, keys=["new"]))["primitives"]["new"]
    assert found["primitives"]["new"]["type"] == "number"
    never = await received(workspace, since=since, keys=["never"])
    assert never["primitives"]["never"]["type"] is None
    assert await of_key(workspace, "never", since=since) == [(first, None, None)]


async def test_another_target_id_field_changes_who_is_in_a_segment(workspace: Workspace, clock: SetClock) -> None:
    await workspace.org.editor.make("updateFlagState", **workspace.banner, rules=TO_STAFF)
    await workspace.org.editor.make("updateAllowList", **workspace.staff, add=["d-1"])
    since = rfc3339(clock.now())
    for field in ("device", "userId"):
        await workspace.org.admin.make("updateProject", projectId=workspace.project_id, targetIdField=field)
    values = [value for _, value, _ in await of_key(workspace, "banner", since=since)]
    assert values == ["hello", "for staff", "hello"]


@pytest.mark.raises_codes("invalid_request", "ruleset_not_cached")
async def test_what_cannot_be_answered_is_refused(workspace: Workspace, clock: SetClock) -> None:
    asked = {"environmentId": workspace.environment_id, "context": {}}
    now, later = rfc3339(clock.now()), rfc3339(clock.now() + timedelta(days=1))
    for window, fields in (
        ({"since": now, "until": now}, ["until"]),
        ({"since": later, "until": now}, ["until"]),
        ({"since": "yesterday", "until": 5}, ["since", "until"]),
    ):
        reply = await workspace.org.viewer.do("history", **asked, **window)
        assert (reply.code, sorted(reply.fields)) == ("invalid_request", fields)
    reply = await workspace.org.viewer.do("history", **asked, since=LONG_AGO, until="2020-01-02T00:00:00Z")
    assert reply.code == "ruleset_not_cached"


async def test_a_token_sees_what_it_may_read(instance: Instance, workspace: Workspace) -> None:
    reader = await instance.token(workspace.org, level="observer", resources=["banner"])
    assert set((await received(workspace, reader))["primitives"]) == {"banner"}
    client = await instance.token(workspace.org, level="client")
    asked = {"environmentId": workspace.environment_id, "context": {}, "since": LONG_AGO, "until": LONG_HENCE}
    assert (await client.do("history", **asked)).code == "token_action_denied"
    assert (await reader.do("history", **asked, keys=["checkout"])).code == "token_resource_out_of_scope"


@pytest.mark.parametrize("seed", range(2))
async def test_it_is_the_sequence_of_what_was_answered(workspace: Workspace, clock: SetClock, seed: int) -> None:
    """Whatever is written: flags, configs and segments made, changed, deleted and made again."""
    writer = Writer(workspace, Random(seed))
    since, seen = rfc3339(clock.now()), [await evaluated(workspace)]
    for _ in range(25):
        await writer.write()
        seen.append(await evaluated(workspace))
    keys = sorted({key for found in seen for key in found["evaluations"]})
    history = await received(workspace, since=since)
    assert sorted(history["primitives"]) == keys
    assert history == await received(workspace, since=since, keys=list(history["primitives"]))
    for key in keys:
        expected: list[tuple[int, Any, Any]] = []
        for found in seen:
            one = found["evaluations"].get(key)
            outcome = (None, None) if one is None else (one["value"], one["reason"])
            if not expected or expected[-1][1:] != outcome:
                expected.append((found["version"], *outcome))
        entries = history["primitives"][key]["entries"]
        assert [(one["version"], one["value"], one["reason"]) for one in entries] == expected
