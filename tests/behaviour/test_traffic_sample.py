"""An environment keeps a sample of the contexts that were really evaluated, of them only what was named."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.jobs.traffic import sweep, write_chosen
from app.settings import Settings
from tests.clients import GraphQLApi, Reply
from tests.clock import SetClock
from tests.factories import Instance, Workspace

MARK = "zebra-crossing-7741"
NOTHING = {
    "size": 0,
    "fields": [],
    "count": 0,
    "oldestAt": None,
    "contexts": [],
    "updatedAt": None,
    "updatedBy": None,
}


async def sampling(workspace: Workspace, size: int = 10, *fields: str, **more: Any) -> Reply:
    return await workspace.org.admin.do(
        "setTrafficSample", environmentId=workspace.environment_id, size=size, fields=list(fields), **more
    )


async def sample(workspace: Workspace) -> Any:
    return await workspace.org.viewer.make("trafficSample", environmentId=workspace.environment_id)


async def evaluate(workspace: Workspace, *contexts: dict[str, Any], **more: Any) -> None:
    for context in contexts:
        await workspace.org.viewer.make("evaluate", environmentId=workspace.environment_id, context=context, **more)


def files_with(text: str, settings: Settings) -> list[str]:
    """The files of the data folder that hold the text."""
    files = [path for path in Path(settings.data_dir).rglob("*") if path.is_file()]
    return [path.name for path in files if text.encode() in path.read_bytes()]


async def rows_with(instance: Instance, text: str) -> list[str]:
    """The tables that hold the text."""
    return [table for table, rows in (await instance.rows()).items() if text in repr(rows)]


async def test_nothing_is_sampled_unless_it_is_asked_for(
    instance: Instance, workspace: Workspace, settings: Settings
) -> None:
    assert await sample(workspace) == NOTHING
    await evaluate(workspace, {"userId": MARK, "plan": MARK})
    await write_chosen(instance.node)
    assert await sample(workspace) == NOTHING
    assert await rows_with(instance, MARK) == []
    assert files_with(MARK, settings) == []


async def test_only_what_is_named_is_kept_of_what_was_evaluated(
    instance: Instance, workspace: Workspace, settings: Settings, request_lines: list[str]
) -> None:
    version = await workspace.version()
    set_to = (await sampling(workspace, 10, "plan", "company.size", "a.b")).unwrap()
    assert (set_to["size"], set_to["fields"], set_to["count"]) == (10, ["plan", "company.size", "a.b"], 0)
    assert set_to["updatedBy"]["name"] == "acme-admin"
    exact = {"n": 2**64 - 1, "z": [1.5, None, "ä"]}
    await evaluate(
        workspace,
        {"userId": MARK, "plan": exact, "company": {"size": 3, "name": MARK}, "a.b": 1, "a": {"b": 2, "c": MARK}},
        {"userId": MARK},
    )
    await write_chosen(instance.node)
    found = await sample(workspace)
    whole = {"plan": exact, "company": {"size": 3}, "a.b": 1}
    assert json.dumps(found["contexts"]) == json.dumps([{}, whole]), "the last one first"
    assert found["count"] == 2
    assert set_to["updatedAt"] <= found["oldestAt"]
    assert await workspace.version() == version, "no state has changed"
    assert await rows_with(instance, MARK) == []
    assert files_with(MARK, settings) == []
    assert not any(MARK in line or "company" in line for line in request_lines)


async def test_what_is_not_an_evaluation_of_now_is_not_sampled(instance: Instance, workspace: Workspace) -> None:
    await sampling(workspace, 10, "plan")
    here, context = {"environmentId": workspace.environment_id}, {"plan": "pro"}
    viewer = workspace.org.viewer
    await evaluate(workspace, context, asOf="2099-01-01T00:00:00Z")
    await viewer.make("preview", **here, spotCheck=[context], ruleset={"flags": {"banner": {"defaultValue": "x"}}})
    await viewer.make("history", **here, context=context, since="2026-01-01T00:00:00Z", until="2099-01-01T00:00:00Z")
    assert (await viewer.do("evaluate", **here, context=context, keys=3)).code == "invalid_request"
    await write_chosen(instance.node)
    assert (await sample(workspace))["count"] == 0
    await evaluate(workspace, context, keys=["banner"])
    await write_chosen(instance.node)
    assert (await sample(workspace))["contexts"] == [context]


async def test_openfeature_is_sampled_with_the_target_id_where_that_is_named(
    instance: Instance, workspace: Workspace
) -> None:
    await sampling(workspace, 10, "userId")
    client = workspace.org.viewer.client
    body = {"context": {"targetingKey": "u-1", "plan": "pro"}}
    headers = {"X-Signalbox-Env": workspace.environment_id}
    for path, status in (("", 200), ("/banner", 200), ("/nothing", 404)):
        reply = await client.post(f"/ofrep/v1/evaluate/flags{path}", json=body, headers=headers)
        assert reply.status_code == status
    await write_chosen(instance.node)
    assert (await sample(workspace))["contexts"] == [{"userId": "u-1"}] * 2


async def test_nothing_is_kept_longer_than_a_day(instance: Instance, workspace: Workspace, clock: SetClock) -> None:
    await sampling(workspace, 10, "plan")
    await evaluate(workspace, {"plan": MARK})
    await write_chosen(instance.node)
    clock.ahead = timedelta(hours=23, minutes=59)
    await sweep(instance.node)
    assert (await sample(workspace))["contexts"] == [{"plan": MARK}]
    clock.ahead = timedelta(hours=24)
    assert (await sample(workspace))["count"] == 0, "before it is swept, too"
    await sweep(instance.node)
    assert await rows_with(instance, MARK) == []
    await evaluate(workspace, {"plan": "new"})
    await write_chosen(instance.node)
    clock.ahead = timedelta(hours=48)
    await sweep(instance.node)
    assert [row[-1] for row in (await instance.rows())["sampled_context"]] == [None]
    clock.ahead = timedelta(hours=72)
    await sweep(instance.node)
    assert (await instance.rows())["sampled_context"] == []


@pytest.mark.parametrize("how", ["deleted", "off", "narrowed", "resized", "environment"])
async def test_what_was_sampled_goes_with_a_change(instance: Instance, workspace: Workspace, how: str) -> None:
    await sampling(workspace, 10, "plan", "email")
    await evaluate(workspace, {"plan": "pro", "email": MARK})
    await write_chosen(instance.node)
    await evaluate(workspace, {"plan": "pro", "email": MARK})  # is still in memory
    assert await rows_with(instance, MARK) == ["sampled_context"]
    admin, here = workspace.org.admin, {"environmentId": workspace.environment_id}
    after = {"deleted": NOTHING, "off": (0, ["plan", "email"]), "narrowed": (10, ["plan"])}
    after["resized"] = (5, ["plan", "email"])
    if how == "environment":
        await admin.make("deleteEnvironment", **here, confirm="prod")
    elif how == "deleted":
        await admin.make("deleteTrafficSample", **here)
        assert await sample(workspace) == NOTHING
    else:
        size, fields = after[how]
        assert (await sampling(workspace, size, *fields)).unwrap()["contexts"] == []
        found = await sample(workspace)
        assert (found["size"], found["fields"], found["count"]) == (size, fields, 0)
    await write_chosen(instance.node)
    assert await rows_with(instance, MARK) == []
    if how in {"deleted", "off"}:
        await evaluate(workspace, {"plan": "pro", "email": MARK})
        await write_chosen(instance.node)
        assert (await instance.rows())["sampled_context"] == []


async def test_a_copy_of_an_environment_samples_nothing(workspace: Workspace) -> None:
    await sampling(workspace, 10, "plan")
    asked = {"projectId": workspace.project_id, "copyFromEnvId": workspace.environment_id}
    copy = await workspace.org.editor.make("createEnvironment", **asked, key="copy", name="Copy")
    assert await workspace.org.viewer.make("trafficSample", environmentId=copy["id"]) == NOTHING


async def test_the_audit_has_what_is_sampled_and_no_context(instance: Instance, workspace: Workspace) -> None:
    await sampling(workspace, 10, "plan")
    await evaluate(workspace, {"plan": MARK})
    await write_chosen(instance.node)
    before = len(await instance.audited())
    reply = await sampling(workspace, 20, "plan", "email", reason="More is better.")
    await workspace.org.owner.make("deleteTrafficSample", environmentId=workspace.environment_id)
    changed, deleted = (await instance.audited())[before:]
    assert (changed.action, changed.request_id, changed.reason) == (
        "set_traffic_sample",
        reply.request_id,
        "More is better.",
    )
    assert (changed.resource_type, changed.resource_id) == ("environment", workspace.environment_id)
    assert json.loads(changed.previous_value or "") == {"size": 10, "fields": ["plan"]}
    assert json.loads(changed.new_value or "") == {"size": 20, "fields": ["plan", "email"]}
    assert json.loads(deleted.previous_value or "") == {"size": 20, "fields": ["plan", "email"]}
    assert deleted.new_value is None


async def test_what_is_so_already_changes_nothing(instance: Instance, workspace: Workspace) -> None:
    here = {"environmentId": workspace.environment_id}
    async with instance.unchanged():
        await workspace.org.admin.make("deleteTrafficSample", **here)
        (await sampling(workspace, 0)).unwrap()
    (await sampling(workspace, 10, "plan")).unwrap()
    await evaluate(workspace, {"plan": "pro"})
    await write_chosen(instance.node)
    async with instance.unchanged():
        assert (await sampling(workspace, 10, "plan", reason="Again.")).unwrap()["count"] == 1


@pytest.mark.raises_codes("invalid_request")
async def test_every_fault_is_told_at_its_path(instance: Instance, workspace: Workspace) -> None:
    async with instance.unchanged():
        found = await sampling(workspace, 1_001, "plan", "", "$.plan", "plan", "plan.name", reason="x" * 2001)
        assert (found.code, set(found.fields)) == (
            "invalid_request",
            {"size", "fields.1", "fields.2", "fields.3", "fields.4", "reason"},
        )
        assert found.fields["fields.3"] == "Given more than once."
        assert found.fields["fields.4"] == "Is kept with plan already."
        assert set((await sampling(workspace, -1, *map(str, range(51)))).fields) == {"size", "fields"}
        assert set((await sampling(workspace, 1)).fields) == {"fields"}
        assert set((await sampling(workspace, 1, "a.b.c", "a.b", "a.bc")).fields) == {"fields.0"}
        assert set((await sampling(workspace, 1, "plan", more=1)).fields) == {"more"}


@pytest.mark.raises_codes("insufficient_role", "forbidden")
async def test_admins_set_it_and_whoever_may_read_sees_it(instance: Instance, workspace: Workspace) -> None:
    asked: dict[str, Any] = {"environmentId": workspace.environment_id, "size": 10, "fields": ["plan"]}
    here = {"environmentId": workspace.environment_id}
    token = await instance.token(workspace.org)
    async with instance.unchanged():
        assert (await workspace.org.editor.do("setTrafficSample", **asked)).code == "insufficient_role"
        assert (await workspace.org.editor.do("deleteTrafficSample", **here)).code == "insufficient_role"
        assert (await token.do("setTrafficSample", **asked)).code == "forbidden"
        assert (await token.do("deleteTrafficSample", **here)).code == "forbidden"
    await instance.protect(workspace.environment_id)
    (await workspace.org.admin.do("setTrafficSample", **asked)).unwrap()
    client = await instance.token(workspace.org, level="client")
    await client.make("evaluate", **here, context={"plan": "pro"})
    await write_chosen(instance.node)
    assert (await client.do("trafficSample", **here)).code == "token_action_denied"
    reader = await instance.token(workspace.org, level="observer", resources=["flag:banner"])
    assert (await reader.make("trafficSample", **here))["contexts"] == [{"plan": "pro"}]


async def test_a_sample_is_never_larger_than_its_size(instance: Instance, workspace: Workspace) -> None:
    await sampling(workspace, 3, "n")
    for n in range(9):
        await evaluate(workspace, {"n": n})
        if n % 2:
            await write_chosen(instance.node)
    await evaluate(workspace, {"n": "x" * 5000})  # too large to be kept
    await write_chosen(instance.node)
    found = await sample(workspace)
    assert found["count"] == 3
    assert len({context["n"] for context in found["contexts"]} & set(range(9))) == 3
    assert len((await instance.rows())["sampled_context"]) == 3


@pytest.mark.raises_codes("invalid_request")
async def test_as_many_contexts_are_shown_as_are_asked_for(instance: Instance, workspace: Workspace) -> None:
    await sampling(workspace, 10, "n")
    await evaluate(workspace, *({"n": n} for n in range(5)))
    await write_chosen(instance.node)
    viewer, here = workspace.org.viewer, workspace.environment_id
    if isinstance(viewer, GraphQLApi):
        field = "query($id: ID!, $n: Int!) { environment(id: $id) { trafficSample { count contexts(first: $n) } } }"
        found = (await viewer.run(field, {"id": here, "n": 2}))["data"]["environment"]["trafficSample"]
        refused = (await viewer.run(field, {"id": here, "n": 0}))["errors"][0]["extensions"]
        assert (refused["code"], set(refused["fields"])) == ("invalid_request", {"first"})
    else:
        address = f"/api/v1/envs/{here}/traffic-sample?limit="
        reply = await viewer.client.get(f"{address}2")
        found = reply.json()
        tag = {"If-None-Match": reply.headers["etag"]}
        assert (await viewer.client.get(f"{address}2", headers=tag)).status_code == 304
        assert (await viewer.client.get(f"{address}3", headers=tag)).status_code == 200
        for wrong in ("0", "1001", "x"):
            refused = (await viewer.client.get(f"{address}{wrong}")).json()
            assert (refused["code"], set(refused["fields"])) == ("invalid_request", {"?limit"})
    assert (found["count"], found["contexts"]) == (5, [{"n": 4}, {"n": 3}])
