"""What a database's own errors mean to a person or a program that waits.

Source: https://sqlite.org/rescode.html and PostgreSQL's appendix A, error codes.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ingestor.errors import Busy, DatabaseTrouble, IngestorError, StorageTrouble

if TYPE_CHECKING:
    from collections.abc import Iterator


class GivenUp(Busy):
    """The database broke this transaction off; nothing, or all of it, is there. The same work may be done again."""


_SQLITE: dict[str, IngestorError] = {
    "SQLITE_BUSY": Busy(),
    "SQLITE_LOCKED": Busy(),
    # A reader that held the log back was cut, see `ingestor.store.tending`.
    "SQLITE_INTERRUPT": Busy(),
    "SQLITE_ABORT": Busy(),
    "SQLITE_FULL": StorageTrouble("disk_full"),
    "SQLITE_IOERR": StorageTrouble("storage"),
    "SQLITE_CORRUPT": DatabaseTrouble("database_damaged"),
    "SQLITE_NOTADB": DatabaseTrouble("database_damaged"),
}
# Deadlock, serialisation failure, and the ways in which a server ends a connection.
_GIVEN_UP = {"40001", "40P01", "57P01", "57P02", "57P05", "08000", "08003", "08006"}
# Lock not given in time, statement too long, no more connections, server starting or stopping.
_BUSY = {"55P03", "57014", "53300", "57P03", "25P03"}


@contextmanager
def told() -> Iterator[None]:
    """Turn the errors of a database into those of the house; a bug in a query stays what it is."""
    try:
        yield
    except PoolTimeout as error:
        raise Busy from error
    except DatabaseError as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        raise meaning from error


def _meaning(error: DatabaseError) -> IngestorError | None:
    name = getattr(error.orig, "sqlite_errorname", None)
    state = getattr(error.orig, "sqlstate", None)
    if name is not None:
        known = next((e for prefix, e in _SQLITE.items() if name.startswith(prefix)), None)
        if known is not None:
            return type(known)(known.code)
    elif state in _GIVEN_UP or (error.connection_invalidated and state is None):
        return GivenUp()
    elif state in _BUSY:
        return Busy()
    elif state == "53100":
        return StorageTrouble("disk_full")
    return DatabaseTrouble("database_trouble") if isinstance(error, OperationalError) else None
