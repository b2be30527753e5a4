"""How the databases go about statements, as they tell it themselves."""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncSession

_ALIASES = re.compile(r'"?(\w+)"? AS "?(\w+)"?')
_SORT = re.compile("USE TEMP B-TREE FOR (.* OF )?ORDER BY")


class Statement(NamedTuple):
    """One that was executed, with its parameters."""

    text: str
    parameters: Any


@contextmanager
def statements(part: str = "") -> Iterator[list[Statement]]:
    """What is executed within the block, but for inserts; only what has the part in its text."""
    found: list[Statement] = []

    def see(_connection: Any, _cursor: Any, text: str, parameters: Any, *_: Any) -> None:
        if part in text and not text.startswith("INSERT"):
            found.append(Statement(text, parameters))

    event.listen(Engine, "before_cursor_execute", see)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", see)


@dataclass(frozen=True, slots=True)
class Plan:
    """`scanned` are the tables of which it looks at all rows, or at all of an index, but where it stops at a limit and
    leaves nothing out before that. `sorts` are how many rows each sort takes, of which SQLite has no idea; what only
    sorts ties takes one."""

    text: str
    scanned: frozenset[str]
    sorts: tuple[float, ...]


async def plan(session: AsyncSession, statement: Statement) -> Plan:
    """How the database would go about it."""
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement.text}", statement.parameters)
        return _of_sqlite([str(row[-1]) for row in rows], statement.text)
    explain = f"EXPLAIN (FORMAT JSON) {statement.text}"
    found = (await connection.exec_driver_sql(explain, statement.parameters)).scalar_one()
    return _of_postgres(json.loads(found) if isinstance(found, str) else found)


def _of_sqlite(lines: list[str], text: str) -> Plan:
    tables = {alias: table for table, alias in _ALIASES.findall(text)}
    walks_on = "WHERE" in text or "LIMIT" not in text
    names = [line.split()[1] for line in lines if line.startswith("SCAN ") and (walks_on or "INDEX" not in line)]
    sorts = [1 if "LAST" in line or "RIGHT PART" in line else math.inf for line in lines if _SORT.search(line)]
    return Plan("\n".join([*lines, text]), frozenset(tables.get(name, name) for name in names), tuple(sorts))


def _of_postgres(found: Any) -> Plan:
    top = found[0]["Plan"]
    nodes = list(_nodes(top))
    scanned = [node["Relation Name"] for node in nodes if _is_scan(node, limited=top["Node Type"] == "Limit")]
    sorts = [
        1 if node["Node Type"] == "Incremental Sort" else node["Plans"][0]["Plan Rows"]
        for node in nodes
        if node["Node Type"].endswith("Sort")
    ]
    return Plan(json.dumps(found, indent=1), frozenset(scanned), tuple(sorts))


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _is_scan(node: Any, *, limited: bool) -> bool:
    by_index = node["Node Type"] in {"Index Scan", "Index Only Scan"}
    walks_on = by_index and "Index Cond" not in node and not (limited and "Filter" not in node)
    return walks_on or node["Node Type"] == "Seq Scan"
