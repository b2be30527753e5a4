"""What SQLAlchemy makes of a statement, made once in a process.

It keeps that for each engine and each dialect apart, and to compile a statement takes longer than to run it. An SQLite
database has two engines, and a node that is built anew has others than the one before.
"""

from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache

SQLITE, POSTGRES = "sqlite+signalbox", "postgresql+signalbox"

_compiled: LRUCache[Any, Any] = LRUCache(1000)
OPTIONS = {"compiled_cache": _compiled}
"""Of each engine."""


class _Alike:
    """A dialect is part of a compiled statement's key. Those of one kind and version compile alike."""

    server_version_info: tuple[Any, ...] | None

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.server_version_info == other.server_version_info

    def __hash__(self) -> int:
        return hash(type(self))


class SqliteDialect(_Alike, SQLiteDialect_aiosqlite):
    supports_statement_cache = True


class PostgresDialect(_Alike, PGDialect_asyncpg):
    supports_statement_cache = True


registry.register(SQLITE.replace("+", "."), __name__, SqliteDialect.__name__)
registry.register(POSTGRES.replace("+", "."), __name__, PostgresDialect.__name__)
