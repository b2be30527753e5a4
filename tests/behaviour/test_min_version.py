"""A read that must not be older than a version waits for it, for a short while."""

import asyncio
from typing import Any

import pytest

from tests.clients import Api, Reply
from tests.clock import SetClock
from tests.factories import Instance, Workspace

READS: dict[str, dict[str, Any]] = {"ruleset": {}, "evaluate": {"context": {}}}


async def read(api: Api, operation: str, workspace: Workspace, min_version: Any) -> Reply:
    asked = {"environmentId": workspace.environment_id, **READS[operation]}
    return await api.do(operation, minVersion=min_version, **asked)


@pytest.mark.parametrize("operation", READS)
async def test_a_version_that_is_reached_is_answered_at_once(workspace: Workspace, operation: str) -> None:
    version = await workspace.version()
    for asked in (0, version - 1, version):
        assert (await read(workspace.org.viewer, operation, workspace, asked)).unwrap()["version"] == version


@pytest.mark.parametrize("operation", READS)
async def test_a_version_that_is_about_to_come_is_waited_for(workspace: Workspace, operation: str) -> None:
    version = await workspace.version()
    waiting = [asyncio.create_task(read(workspace.org.viewer, operation, workspace, version + 2)) for _ in range(3)]
    for value in ("one", "two"):
        await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue=value)
    for answer in await asyncio.gather(*waiting):
        assert answer.unwrap()["version"] == version + 2


@pytest.mark.parametrize("operation", READS)
@pytest.mark.raises_codes("unavailable")
async def test_a_version_that_does_not_come_is_unavailable(
    instance: Instance, workspace: Workspace, clock: SetClock, operation: str
) -> None:
    clock.patient = False
    async with instance.unchanged():
        for asked in (await workspace.version() + 1, 2**31 - 1):
            reply = await read(workspace.org.viewer, operation, workspace, asked)
            assert (reply.code, reply.status) == ("unavailable", 503)
            assert f"at version {await workspace.version()} " in reply.message


@pytest.mark.parametrize("operation", READS)
async def test_who_waits_for_an_environment_that_is_deleted_is_told(workspace: Workspace, operation: str) -> None:
    waiting = asyncio.create_task(read(workspace.org.viewer, operation, workspace, await workspace.version() + 1))
    await workspace.org.owner.make("deleteEnvironment", environmentId=workspace.environment_id, confirm="prod")
    assert (await waiting).code == "not_found"


@pytest.mark.parametrize("operation", READS)
@pytest.mark.raises_codes("invalid_request")
async def test_what_is_no_version_is_refused(instance: Instance, workspace: Workspace, operation: str) -> None:
    reply = await read(workspace.org.viewer, operation, workspace, -1)
    place = "X-Signalbox-Min-Version" if instance.transport == "rest" else "minVersion"
    assert (reply.code, list(reply.fields)) == ("invalid_request", [place])


async def test_it_is_refused_with_all_else_that_is_wrong(instance: Instance, workspace: Workspace) -> None:
    asked = {"environmentId": workspace.environment_id, "context": 1, "keys": ["\0"], "minVersion": -1}
    reply = await workspace.org.viewer.do("evaluate", **asked)
    place = "X-Signalbox-Min-Version" if instance.transport == "rest" else "minVersion"
    assert set(reply.fields) == {"context", "keys.0", place}
