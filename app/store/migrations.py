"""Brings the database up to date at every start, one node at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.store.engines import Database

_SCRIPTS = Path(__file__).parent.parent / "migrations"


def config(connection: Connection) -> Config:
    """Alembic's configuration for a connection."""
    made = Config()
    made.set_main_option("script_location", str(_SCRIPTS))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


async def upgrade(database: Database) -> None:
    """Runs the migrations that the database lacks; nothing when it has them all."""
    async with database.migrating() as connection:
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))
