"""Brings the database up to date at every start, one node at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.store.engines import Database

_SCRIPTS = Path(__file__).parent.parent / "migrations"
# A migration's file is named after its revision, "0001_initial.py", and each revision is greater than the one before.
HEAD = max(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("*_*.py"))


def config(connection: Connection) -> Config:
    """Alembic's configuration for a connection."""
    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


async def upgrade(database: Database) -> None:
    """Runs the migrations that the database lacks. Where it has them all, that costs one query and no lock."""
    if await database.schema_version() == HEAD:
        return
    async with database.migrating() as connection:
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))
