"""Inserts that change the row that there is already, which both databases can do and SQLAlchemy has for each alone."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Table

Upsert = sqlite.Insert | postgresql.Insert


def upsert_into(session: AsyncSession, table: type[Table]) -> Upsert:
    """An insert into the table that takes `on_conflict_do_update`."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
