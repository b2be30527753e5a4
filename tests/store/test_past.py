"""The past is looked up through indexes: neither all versions nor all states that there ever were are looked at."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.kinds import Kind
from app.models import Environment, Table
from app.store import past, primitive_history, states
from app.store.paging import Window
from app.store.primitive_history import Moment
from tests.clock import now
from tests.factories import Instance, Workspace
from tests.store.plans import plan, statements


async def _moments(session: AsyncSession, environment_id: str, primitive_id: str) -> Any:
    environment = await session.get_one(Environment, environment_id)
    state = await states.at_version(session, environment_id, primitive_id, environment.version)
    assert state is not None
    await primitive_history.moments(session, environment, [state.id], Window(), {Kind.FLAG: None})


def _one(primitive_id: str) -> list[Moment]:
    return [Moment(primitive_id, 1, Kind.SEGMENT, "staff")]


QUERIES: dict[str, Callable[[AsyncSession, str, str], Awaitable[Any]]] = {
    "the version at an instant": lambda session, environment_id, _: past.version_at(session, environment_id, now()),
    "the first version": lambda session, environment_id, _: past.first_kept(session, environment_id),
    "versions": lambda session, environment_id, _: past.versions_between(session, environment_id, 1, 2, 10),
    "a ruleset": lambda session, environment_id, _: past.load(session, environment_id, 1, 2),
    "changes": lambda session, environment_id, _: past.changes(session, environment_id, 1, 2),
    "a state": lambda session, environment_id, primitive: states.at_version(session, environment_id, primitive, 1),
    "states": lambda session, environment_id, primitive: states.all_at_version(session, environment_id, [primitive], 1),
    "what changed it": _moments,
    "how much changed": lambda session, environment_id, one: primitive_history.sizes(
        session, environment_id, _one(one)
    ),
    "what it became": lambda session, environment_id, one: primitive_history.made(session, environment_id, _one(one)),
    "what lists got": lambda session, environment_id, one: primitive_history.entries(
        session, environment_id, _one(one)
    ),
    "who did it": lambda session, environment_id, _: primitive_history.events(
        session, environment_id, [Moment("x", 1, Kind.FLAG, "x")]
    ),
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
            assert not found.scanned & set(Table.metadata.tables), found.text
            # What was rested on is in no order, and of PostgreSQL it depends on how few rows it expects.
            assert engine == "postgres" or max(found.sorts, default=0) <= 1 or "rested" in found.text, found.text
