"""A node that has just started: many who evaluate at once wait for one load, and for no connection of each other."""

import asyncio

from app.store.engines.sqlite import READERS
from tests.factories import Instance, Workspace


async def test_many_evaluate_on_a_cold_node_at_once(instance: Instance, workspace: Workspace) -> None:
    asked = {"environmentId": workspace.environment_id, "context": {}}
    async with asyncio.timeout(10):
        replies = await asyncio.gather(*(workspace.org.viewer.do("evaluate", **asked) for _ in range(4 * READERS)))
    assert {reply.code for reply in replies} == {None}
