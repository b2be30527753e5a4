"""Failures of the database that a retry may get past: they become `unavailable`."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from socket import gaierror

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.domain.errors import AppError

log = structlog.get_logger()
# A row that the write refers to was deleted meanwhile: a retry finds out, and answers `not_found`.
_FOREIGN_KEY = {sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, "23503"}
_SQLITE_BUSY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
}
# Serialization failure, deadlock, lock not available, and the classes: connection, resources, operator intervention.
_POSTGRES_BUSY = ("40001", "40P01", "55P03", "08", "53", "57")


@contextmanager
def refusing_if_busy() -> Iterator[None]:
    """Around reads outside of a unit of work, which calls `refuse_if_busy` itself."""
    try:
        yield
    except Exception as fault:
        refuse_if_busy(fault)
        raise


def refuse_if_busy(fault: BaseException) -> None:
    """Raises `unavailable` if a retry may succeed, and logs the cause."""
    if _is_busy(fault):
        log.warning("the database cannot serve", fault=repr(fault))
        raise AppError("unavailable", "The database is temporarily unavailable.") from fault


def _is_busy(fault: BaseException) -> bool:
    if not isinstance(fault, DBAPIError):
        return isinstance(fault, ConnectionError | TimeoutError | gaierror | PoolTimeoutError)
    if fault.connection_invalidated:
        return True
    sqlite_code = getattr(fault.orig, "sqlite_errorcode", None)
    state = getattr(fault.orig, "sqlstate", None) or ""
    if {sqlite_code, state} & _FOREIGN_KEY:
        return True
    return (sqlite_code is not None and sqlite_code & 0xFF in _SQLITE_BUSY) or state.startswith(_POSTGRES_BUSY)
