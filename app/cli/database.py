"""The database of a command: a node on it, and the lock that keeps other servers off it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError

from app.main import alone, open_node
from app.runtime.node import Node
from app.settings import BadSetting, Settings
from app.store.engines import InUse
from app.store.engines.lease import Lease
from app.store.migrations import UnknownSchema


@asynccontextmanager
async def node_of(settings: Settings, lease: Lease | None = None) -> AsyncIterator[Node]:
    """A node for the duration of the command. Without a lease, a server may be running on the same database.

    Raises BadSetting for a database that cannot be opened.
    """
    try:
        node = await open_node(settings, lease=lease)
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
async def exclusive(settings: Settings) -> AsyncIterator[Lease]:
    """Prevents other servers on the database, whose changes this one's memory would miss.

    Raises BadSetting if there is one, or the database cannot be opened.
    """
    async with AsyncExitStack() as stack:
        try:
            lease = await stack.enter_async_context(alone(settings))
        except InUse:
            setting, where = _database_of(settings)
            raise BadSetting(f"{setting}: {where} is already in use by another server.") from None
        except (DBAPIError, PostgresError, OSError) as fault:
            raise BadSetting(f"{_setting_of_database(settings)}: {_describe(fault)}") from fault
        yield lease


def _database_of(settings: Settings) -> tuple[str, str]:
    if settings.database_url is None:
        return "SIGNALBOX_DATA_DIR", str(settings.data_dir)
    return "SIGNALBOX_DATABASE_URL", "the database"


def _setting_of_database(settings: Settings) -> str:
    if settings.database_url is None:
        return f"SIGNALBOX_DATA_DIR: cannot keep the database in {settings.data_dir}"
    return "SIGNALBOX_DATABASE_URL: cannot open the database"


def _describe(fault: DBAPIError | PostgresError | OSError) -> str:
    """In one line."""
    if isinstance(fault, DBAPIError):
        return str(fault.orig)
    return (fault.strerror if isinstance(fault, OSError) else None) or str(fault)
