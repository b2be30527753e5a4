"""The past is looked up through indexes: neither all versions nor all states that there ever were are looked at."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncSession

from app.store import past, states
from tests.clock import now
from tests.factories import Instance, Workspace

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
    found: list[tuple[str, Any]] = []

    def see(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            found.append((statement, parameters))

    async with instance.node.database.reading() as session:
        connection = await session.connection()
        if engine == "postgres":
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        event.listen(Engine, "before_cursor_execute", see)
        try:
            flag = await workspace.org.viewer.make("flagState", **workspace.banner)
            found.clear()
            await QUERIES[name](session, workspace.environment_id, flag["primitiveId"])
        finally:
            event.remove(Engine, "before_cursor_execute", see)
        assert found
        explain = "EXPLAIN " if engine == "postgres" else "EXPLAIN QUERY PLAN "
        for statement, parameters in found:
            rows = await connection.exec_driver_sql(explain + statement, parameters)
            plan = "\n".join(str(row[-1]) for row in rows)
            assert "SEARCH" in plan or "Index" in plan, plan
            assert not any(word in plan for word in ("SCAN", "Seq Scan", "TEMP B-TREE FOR ORDER")), plan
