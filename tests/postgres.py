"""One PostgreSQL database for all tests of a worker, brought back to a known content before each.

A database of its own for each test would cost a tenth of a second; to put the rows back costs some milliseconds.
"""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Any

import asyncpg

from app.models import Table

DATABASE = "signalbox"
PATIENCE_SECONDS = 20
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
TABLES = [table.name for table in Table.metadata.sorted_tables]
# A line a table: a digest of all its rows, whatever order they are stored in.
DIGESTS = " UNION ALL ".join(
    f"SELECT '{table}', md5(string_agg(CAST(t AS text), chr(10) ORDER BY CAST(t AS text))) FROM public.\"{table}\" t"
    for table in TABLES
)


class KeptDatabase:
    """The database, and what it is brought back to. One connection and one loop serve all tests of the worker."""

    def __init__(self, server_address: str) -> None:
        self.address = f"{server_address}/{DATABASE}"
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._connection = self._run(_create(server_address, self.address))
        self._kept: dict[str, Mapping[str, str | None]] = {}

    def keep(self, content: str) -> None:
        """Keeps what the database holds now under the name `content`."""
        copies = [f'CREATE TABLE {content}."{table}" AS TABLE public."{table}"' for table in TABLES]
        self._run(self._connection.execute("; ".join([f"CREATE SCHEMA {content}", *copies])))
        self._kept[content] = self._digests()

    def restore(self, content: str) -> None:
        """Makes the database hold what was kept under the name, and nothing else."""
        held, kept = self._digests(), self._kept[content]
        statements = ["SET session_replication_role = replica"]  # foreign keys are not looked at row by row
        for table in TABLES:
            if held[table] != kept[table]:
                statements.append(f'DELETE FROM public."{table}"')
                statements.append(f'INSERT INTO public."{table}" SELECT * FROM {content}."{table}"')
        self._run(self._connection.execute("; ".join(statements)))

    def wait_until_alone(self) -> None:
        """Returns when nobody else is connected: the server sees a moment later that a connection was closed."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while others := self._run(self._connection.fetchval(OTHERS, DATABASE)):
            assert time.monotonic() < deadline, f"{others} connections were left open"
            time.sleep(0.01)

    def close(self) -> None:
        """Closes the connection and the loop."""
        self._run(self._connection.close())
        self._runner.close()

    def _digests(self) -> dict[str, str | None]:
        return dict(self._run(self._connection.fetch(DIGESTS)))

    def _run(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(step)


async def _create(server_address: str, address: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(f"{server_address}/postgres")
    await connection.execute(f"CREATE DATABASE {DATABASE}")
    await connection.close()
    return await asyncpg.connect(address)
