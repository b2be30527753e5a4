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
