"""An environment's version: raised by one with each transaction that changes any of its states, by nothing else."""

import asyncio

import pytest

from tests.factories import Instance, Workspace


async def test_each_kind_of_write_raises_the_version_by_one(workspace: Workspace) -> None:
    version = await workspace.version()
    assert version == 2  # two flags were made
    for operation, arguments in (
        ("updateFlagState", {**workspace.banner, "defaultValue": "bye"}),
        ("killFlag", workspace.banner),
        ("restoreFlag", workspace.banner),
        ("createFlag", {"projectId": workspace.project_id, "key": "new", "type": "boolean", "defaultValue": False}),
    ):
        await workspace.org.editor.make(operation, **arguments)
        version += 1
        assert await workspace.version() == version, operation


async def test_a_version_is_the_environments_own(workspace: Workspace) -> None:
    dev = await workspace.org.editor.make("createEnvironment", projectId=workspace.project_id, key="dev", name="Dev")
    await workspace.org.editor.make("killFlag", **workspace.banner)
    assert (await workspace.org.viewer.make("environment", environmentId=dev["id"]))["version"] == 0
    await workspace.org.editor.make(
        "createFlag", projectId=workspace.project_id, key="new", type="boolean", defaultValue=True
    )
    assert (await workspace.org.viewer.make("environment", environmentId=dev["id"]))["version"] == 1
    assert await workspace.version() == 4


FIRST_WRITES = {
    "updateFlagState": {"defaultValue": "hello"},
    "updateFlagState of nothing": {},
    "replaceFlagState": {"defaultValue": "hello", "rules": []},
    "restoreFlag": {},
}


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("call", FIRST_WRITES)
@pytest.mark.raises_codes("ruleset_not_cached")
async def test_the_first_write_makes_version_1_even_if_it_changes_nothing(
    instance: Instance,
    workspace: Workspace,
    call: str,
    protected: bool,
) -> None:
    admin, editor = workspace.org.admin, workspace.org.editor
    dev = await admin.make(
        "createEnvironment", projectId=workspace.project_id, key="dev", name="Dev", protected=protected
    )
    before = await editor.do("evaluate", environmentId=dev["id"], context={})
    assert (before.code, "even to what it has" in before.message) == ("ruleset_not_cached", True)
    audited = len(await instance.audited())
    at = {"environmentId": dev["id"], "key": "banner"}
    written = await editor.do(call.partition(" ")[0], **at, **FIRST_WRITES[call], reason="First.")
    assert (written.unwrap()["version"], written.data["defaultValue"], written.data["killed"]) == (1, "hello", False)
    assert (await editor.make("environment", environmentId=dev["id"]))["version"] == 1
    assert await editor.make("flagState", **at) == written.data
    evaluated = await editor.make("evaluate", environmentId=dev["id"], context={})
    assert (evaluated["version"], evaluated["evaluations"]["banner"]["value"]) == (1, "hello")
    event = (await instance.audited())[-1]
    assert (len(await instance.audited()), event.reason, event.resource_key) == (audited + 1, "First.", "banner")
    async with instance.unchanged():
        again = await editor.do(call.partition(" ")[0], **at, **FIRST_WRITES[call])
        assert (again.data, again.etag) == (written.data, written.etag)


@pytest.mark.raises_codes("precondition_failed")
async def test_a_first_write_by_who_needs_approval_or_has_an_old_tag(instance: Instance, workspace: Workspace) -> None:
    dev = await workspace.org.admin.make(
        "createEnvironment", projectId=workspace.project_id, key="dev", name="Dev", protected=True
    )
    at = {"environmentId": dev["id"], "key": "banner"}
    async with instance.unchanged():
        stale = await workspace.org.editor.do("restoreFlag", if_match='"stale"', **at)
        assert stale.code == "precondition_failed"
    token = await instance.token(workspace.org, approvalRequired=True)
    assert (await token.make("restoreFlag", **at))["version"] == 1


async def test_200_concurrent_writes_raise_the_version_by_exactly_200(instance: Instance, workspace: Workspace) -> None:
    before = await workspace.version()
    replies = await asyncio.gather(
        *(workspace.org.editor.do("updateFlagState", **workspace.banner, defaultValue=f"write {n}") for n in range(200))
    )
    assert [(reply.code, reply.status) for reply in replies] == [(None, 200)] * 200
    assert sorted(reply.data["version"] for reply in replies) == list(range(before + 1, before + 201))
    assert await workspace.version() == before + 200
    last = max(replies, key=lambda reply: reply.data["version"])
    assert (await workspace.evaluated("banner"))["value"] == last.data["defaultValue"]
    assert len([event for event in await instance.audited() if event.action == "update_state"]) == 200


@pytest.mark.all_pairs
async def test_of_concurrent_writes_to_two_flags_none_is_lost(workspace: Workspace) -> None:
    before = await workspace.version()
    await asyncio.gather(
        *(
            workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue=f"write {n}")
            for n in range(20)
        ),
        *(workspace.org.editor.make("killFlag" if n % 2 else "restoreFlag", **workspace.checkout) for n in range(20)),
    )
    states = await workspace.org.viewer.make("flagStates", environmentId=workspace.environment_id)
    assert await workspace.version() == max(state["version"] for state in states)
    assert await workspace.version() >= before + 20
