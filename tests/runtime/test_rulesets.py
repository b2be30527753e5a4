"""Rulesets in memory: loaded once, and never behind a commit, even one that comes while they are read."""

import asyncio
from typing import Any

import pytest

from app.runtime.rulesets import RulesetCache
from tests.factories import Instance, Workspace


@pytest.fixture
def cache(instance: Instance) -> RulesetCache:
    """The cache of the instance."""
    return instance.node.rulesets


def slowly(cache: RulesetCache) -> tuple[asyncio.Event, asyncio.Event, list[str]]:
    """Makes each load say when it has read, and wait until it may go on."""
    has_read, may_go_on, loads = asyncio.Event(), asyncio.Event(), []
    load = cache.load

    async def loading(session: Any, environment_id: str) -> Any:
        rows = await load(session, environment_id)
        loads.append(environment_id)
        has_read.set()
        await may_go_on.wait()
        return rows

    cache.load = loading
    return has_read, may_go_on, loads


async def test_a_commit_while_a_ruleset_is_read_is_in_it(cache: RulesetCache, workspace: Workspace) -> None:
    has_read, may_go_on, loads = slowly(cache)
    evaluating = asyncio.create_task(workspace.evaluated("banner"))
    await has_read.wait()
    await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="first")
    await workspace.org.editor.make("updateFlagState", **workspace.banner, defaultValue="second")
    may_go_on.set()
    assert (await evaluating)["value"] == "second"
    assert (await workspace.evaluated("banner"))["value"] == "second"
    assert len(loads) == 1


async def test_all_who_ask_at_one_moment_share_one_load(cache: RulesetCache, workspace: Workspace) -> None:
    has_read, may_go_on, loads = slowly(cache)
    asking = [asyncio.create_task(cache.get(workspace.environment_id)) for _ in range(20)]
    await has_read.wait()
    may_go_on.set()
    found = await asyncio.gather(*asking)
    assert len({id(one) for one in found}) == 1
    assert loads == [workspace.environment_id]


async def test_a_snapshot_never_changes_under_its_reader(cache: RulesetCache, workspace: Workspace) -> None:
    before = await cache.get(workspace.environment_id)
    document = before.encode()
    await workspace.org.editor.make("killFlag", **workspace.banner)
    assert before.encode() == document
    assert (await cache.get(workspace.environment_id)).version == before.version + 1


async def test_a_load_that_fails_is_tried_again(cache: RulesetCache, workspace: Workspace) -> None:
    async def broken(*_: Any) -> Any:
        raise OSError("the disk is gone")

    load, cache.load = cache.load, broken
    with pytest.raises(OSError, match="disk"):
        await cache.get(workspace.environment_id)
    cache.load = load
    assert (await cache.get(workspace.environment_id)).version == workspace.environment["version"]
