"""The database of a command: a node on it, and the lock that keeps other servers off it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError

from app.main import open_database, open_node
from app.runtime.node import Node
from app.settings import BadSetting, Settings
from app.store.engines import InUse
from app.store.migrations import UnknownSchema


@asynccontextmanager
async def node_of(settings: Settings) -> AsyncIterator[Node]:
    """A node for the duration of the command, while a server may be running on the same database.

    Raises BadSetting for a database that cannot be opened.
    """
    try:
        node = await open_node(settings)
    except (DBAPIError, OSError) as fault:
        raise BadSetting(f"{_setting_of_database(settings)}: {_describe(fault)}") from fault
    except UnknownSchema:
        setting, where = _database_of(settings)
        raise BadSetting(f"{setting}: {where} has the schema of another version of Signalbox.") from None
    try:
        yield node
    finally:
        await node.close()


@asynccontextmanager
async def exclusive(settings: Settings) -> AsyncIterator[None]:
    """Prevents other servers on the database, whose changes this one's memory would miss.

    Raises BadSetting if there is one.
    """
    database = open_database(settings)
    try:
        async with database.alone():
            yield
    except InUse:
        setting, where = _database_of(settings)
        raise BadSetting(f"{setting}: {where} is already in use by another server.") from None
    finally:
        await database.close()


def _database_of(settings: Settings) -> tuple[str, str]:
    if settings.database_url is None:
        return "SIGNALBOX_DATA_DIR", str(settings.data_dir)
    return "SIGNALBOX_DATABASE_URL", "the database"


def _setting_of_database(settings: Settings) -> str:
    if settings.database_url is None:
        return f"SIGNALBOX_DATA_DIR: cannot keep the database in {settings.data_dir}"
    return "SIGNALBOX_DATABASE_URL: cannot open the database"


def _describe(fault: DBAPIError | OSError) -> str:
    return str(fault.orig) if isinstance(fault, DBAPIError) else fault.strerror or str(fault)
