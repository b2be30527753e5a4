"""The past is looked up through indexes: neither all versions nor all states that there ever were are looked at."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.store import past, states
from tests.clock import now
from tests.factories import Instance, Workspace
from tests.store.plans import plan, statements

QUERIES: dict[str, Callable[[AsyncSession, str, str], Awaitable[Any]]] = {
    "the version at an instant": lambda session, environment_id, _: past.version_at(session, environment_id, now()),
    "the first version": lambda session, environment_id, _: past.first_kept(session, environment_id),
    "versions": lambda session, environment_id, _: past.versions_between(session, environment_id, 1, 2, 10),
    "a ruleset": lambda session, environment_id, _: past.load(session, environment_id, 1, 2),
    "changes": lambda session, environment_id, _: past.changes(session, environment_id, 1, 2),
    "a state": lambda session, environment_id, primitive: states.at_version(session, environment_id, primitive, 1),
    "states": lambda session, environment_id, primitive: states.all_at_version(session, environment_id, [primitive], 1),
}


@pytest.mark.parametrize("name", QUERIES)
async def test_the_past_is_looked_up(instance: Instance, engine: str, workspace: Workspace, name: str) -> None:
    await workspace.org.editor.make("updateAllowList", **workspace.staff, add=["u-1"])
    async with instance.node.database.reading() as session:
        if engine == "postgres":
            await (await session.connection()).exec_driver_sql("SET LOCAL enable_seqscan = off")
        flag = await workspace.org.viewer.make("flagState", **workspace.banner)
        with statements("SELECT") as executed:
            await QUERIES[name](session, workspace.environment_id, flag["primitiveId"])
        assert executed
        for statement in executed:
            found = await plan(session, statement)
            assert not found.scanned, found.text
            assert not found.sorts, found.text
