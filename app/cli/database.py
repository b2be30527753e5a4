"""The database of a command: a node on it, and the lock that keeps other servers off it."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from asyncpg import InterfaceError, InternalClientError, PostgresError
from sqlalchemy.exc import DBAPIError

from app.main import NoDatabase, alone, open_database, open_node
from app.runtime.node import Node
from app.settings import BadSetting, Settings
from app.store.engines import InUse
from app.store.engines.lease import Lease
from app.store.migrations import HEAD, REVISIONS, UnknownSchema

# asyncpg's are not wrapped while it connects; a ValueError is about the URL.
FAULTS = DBAPIError, PostgresError, InterfaceError, InternalClientError, OSError, ValueError


@asynccontextmanager
async def node_of(settings: Settings) -> AsyncIterator[Node]:
    """A node for the duration of the command, while a server may be running on the same database.

    Raises BadSetting for a database that cannot be used as it is: a command neither makes nor changes one.
    """
    with _in_one_line(settings):
        await _require_current(settings)
    async with _opened(settings, None) as node:
        yield node


@asynccontextmanager
async def node_of_server(settings: Settings, lease: Lease) -> AsyncIterator[Node]:
    """A node on a database that is made, or brought up to date. Raises BadSetting for one that cannot be."""
    async with _opened(settings, lease) as node:
        yield node


@asynccontextmanager
async def exclusive(settings: Settings) -> AsyncIterator[Lease]:
    """Prevents other servers on the database, whose changes this one's memory would miss.

    Raises BadSetting if there is one, or the database cannot be opened.
    """
    async with AsyncExitStack() as stack:
        with _in_one_line(settings):
            lease = await stack.enter_async_context(alone(settings))
        yield lease


def shown_database(settings: Settings) -> str:
    """The location of the data, without a password."""
    if (path := settings.sqlite_path) is not None:
        return str(path.resolve())
    scheme, _, rest = (settings.database_url or "").partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


async def _require_current(settings: Settings) -> None:
    database = open_database(settings, create=False)
    try:
        version = await database.schema_version()
    finally:
        await database.close()
    if version is None:
        raise NoDatabase
    if version not in REVISIONS:
        raise UnknownSchema(version)
    if version != HEAD:
        what = "is from an earlier version of Signalbox. Start the server, which brings it up to date."
        raise BadSetting(f"{_setting(settings)}: {shown_database(settings)} {what}")


@asynccontextmanager
async def _opened(settings: Settings, lease: Lease | None) -> AsyncIterator[Node]:
    with _in_one_line(settings):
        node = await open_node(settings, lease=lease)
    try:
        yield node
    finally:
        await node.close()


@contextmanager
def _in_one_line(settings: Settings) -> Iterator[None]:
    """Raises BadSetting for whatever is wrong with the database."""
    setting, where = _setting(settings), shown_database(settings)
    try:
        yield
    except InUse:
        raise BadSetting(f"{setting}: {where} is already in use by another server.") from None
    except UnknownSchema as fault:
        cure = "is from a newer version of Signalbox, so update this one or use another database"
        if str(fault) < HEAD:
            cure = "is from another version of Signalbox, so use another database"
        raise BadSetting(f"{setting}: {where} {cure}.") from None
    except NoDatabase:
        what = "Name the folder of the server with --data-dir, or start the server, which makes one."
        raise BadSetting(f"{setting}: there is no database of Signalbox in {where}. {what}") from None
    except FAULTS as fault:
        cure = (
            "Name another place, or move what is there."
            if settings.sqlite_path
            else "Check the address and the server."
        )
        raise BadSetting(f"{setting}: cannot open the database {where}: {_describe(fault)}. {cure}") from fault


def _setting(settings: Settings) -> str:
    return "SIGNALBOX_DATA_DIR" if settings.database_url is None else "SIGNALBOX_DATABASE_URL"


def _describe(fault: Exception) -> str:
    """In one line."""
    if isinstance(fault, DBAPIError):
        fault = fault.orig if isinstance(fault.orig, Exception) else fault
    if isinstance(fault, OSError) and fault.errno:
        return os.strerror(fault.errno) if fault.errno > 0 else str(fault.strerror)
    if isinstance(fault, TimeoutError):
        return "it does not answer"
    return " ".join(str(fault).split()).rstrip(".")
