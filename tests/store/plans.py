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
    """`scanned` are the tables of which it looks at all rows. `walked` are those of which it looks at all of an index,
    as PostgreSQL does where tables are small; but not where it stops at a limit and leaves nothing out before that.
    SQLite has no such reason, and what it walks through counts as scanned.

    `sorts` are how many rows each sort takes, of which SQLite has no idea; what only sorts ties takes one.
    """

    text: str
    scanned: frozenset[str]
    walked: frozenset[str]
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
    scanned = frozenset(tables.get(name, name) for name in names)
    return Plan("\n".join([*lines, text]), scanned, frozenset(), tuple(sorts))


def _of_postgres(found: Any) -> Plan:
    top = found[0]["Plan"]
    nodes = list(_nodes(top))
    limited = top["Node Type"] == "Limit"
    scanned = [node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"]
    walked = [node["Relation Name"] for node in nodes if _walks(node) and not (limited and "Filter" not in node)]
    sorts = [
        1 if node["Node Type"] == "Incremental Sort" else node["Plans"][0]["Plan Rows"]
        for node in nodes
        if node["Node Type"].endswith("Sort")
    ]
    return Plan(json.dumps(found, indent=1), frozenset(scanned), frozenset(walked), tuple(sorts))


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _walks(node: Any) -> bool:
    return node["Node Type"] in {"Index Scan", "Index Only Scan"} and "Index Cond" not in node
