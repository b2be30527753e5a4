"""Brings the database up to date at every start, one node at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from app.store.engines import Database

_SCRIPTS = Path(__file__).parent.parent / "migrations"
# A migration's file is named after its revision, "0002_initial.py", and each revision is greater than the one before.
REVISIONS = frozenset(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("*_*.py"))
HEAD = max(REVISIONS)


class UnknownSchema(Exception):
    """The database has a schema that no migration leads on from: that of a later version, or of an early checkout."""


def config(connection: Connection) -> Config:
    """Alembic's configuration for a connection."""
    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


async def upgrade(database: Database) -> None:
    """Runs the migrations that the database lacks. If it has them all, that costs one query and no lock.

    Raises UnknownSchema, and changes nothing.
    """
    if await database.schema_version() == HEAD:
        return
    async with database.migrating() as connection:
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in REVISIONS:
        raise UnknownSchema(current)
    command.upgrade(config(connection), "head")
