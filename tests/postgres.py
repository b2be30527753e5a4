"""One PostgreSQL database for all tests of a worker, brought back to a known content before each.

A database of its own for each test would cost a tenth of a second; to put the rows back costs some milliseconds.
"""

import asyncpg

DATABASE = "signalbox"


async def create(address: str) -> str:
    """Makes the database and gives its address."""
    connection = await asyncpg.connect(f"{address}/postgres")
    await connection.execute(f"CREATE DATABASE {DATABASE}")
    await connection.close()
    return f"{address}/{DATABASE}"


async def keep(address: str, content: str) -> None:
    """Keeps what the database holds now under the name `content`."""
    connection = await asyncpg.connect(address)
    statements = [f'CREATE TABLE {content}."{table}" AS TABLE public."{table}"' for table in await _tables(connection)]
    await connection.execute("; ".join([f"CREATE SCHEMA {content}", *statements]))
    await connection.close()


async def restore(address: str, content: str) -> None:
    """Makes the database hold what was kept under the name, and nothing else."""
    connection = await asyncpg.connect(address)
    statements = ["SET session_replication_role = replica"]  # foreign keys are not looked at row by row
    for table in await _tables(connection):
        statements.append(f'DELETE FROM public."{table}"')
        statements.append(f'INSERT INTO public."{table}" SELECT * FROM {content}."{table}"')
    await connection.execute("; ".join(statements))
    await connection.close()


async def _tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
    return [row["tablename"] for row in rows]
