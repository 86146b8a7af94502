"""Connections to the database: who may read, who may write, and with which safeguards.

SQLite and PostgreSQL are equals. On SQLite every writing transaction begins with BEGIN IMMEDIATE, so that two
writers wait for each other instead of failing; readers cannot write at all.

Source: https://sqlite.org/wal.html#walreset for the versions that may not use WAL.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from ingestor.errors import Busy, DatabaseTrouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from sqlalchemy import Connection, Engine

_EVERY_CONNECTION = (
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA mmap_size=0",
)


def _sqlite() -> ModuleType:
    """Return the SQLite module to use: the one that carries a current library, where it is installed."""
    try:
        return import_module("pysqlite3.dbapi2")
    except ImportError:
        return import_module("sqlite3")


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Return whether this SQLite library may share a WAL database between several connections."""
    return version > (3, 51, 2) and version[:2] != (3, 52)


@dataclass(frozen=True, slots=True)
class Database:
    """One store. Use `write()` and `read()`; nothing else opens a transaction.

    Attributes:
        url: where it is; a password in it is never shown.
        journal: "wal", "delete" or "postgresql".
    """

    url: str
    journal: str
    writer: Engine
    reader: Engine

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is SQLite."""
        return self.writer.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection inside a writing transaction; commit at the end, roll back on any error.

        Raises:
            Busy: another writer held the database for longer than ten seconds.
        """
        with _told(), self.writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one consistent state and cannot write."""
        with _told(), self.reader.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.writer.dispose()
        self.reader.dispose()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if "locked" in str(error.orig) or "busy" in str(error.orig):
            raise Busy from error
        raise DatabaseTrouble("database_trouble") from error


def open_database(url: str) -> Database:
    """Open the store at `url`; nothing is created or upgraded here, see `ingestor.store.schema`."""
    if make_url(url).get_backend_name() == "sqlite":
        return _open_sqlite(url)
    return _open_postgresql(url)


def _open_sqlite(url: str) -> Database:
    module = _sqlite()
    safe = wal_is_safe(module.sqlite_version_info)
    options: dict[str, Any] = {
        "module": module, "poolclass": QueuePool, "pool_size": 5, "max_overflow": 20,
        "connect_args": {"check_same_thread": False, "timeout": 10},
    }  # fmt: skip
    writer = create_engine(url, **options)
    reader = create_engine(url, **options)
    journal = "wal" if safe else "delete"

    @event.listens_for(writer, "connect")
    def _(connection: Any, _record: object) -> None:  # noqa: ANN401
        connection.isolation_level = None
        for pragma in _EVERY_CONNECTION:
            connection.execute(pragma)
        mode = connection.execute(f"PRAGMA journal_mode={journal}").fetchone()[0]
        if mode != journal:
            raise DatabaseTrouble("database_journal", expected=journal, got=mode)
        connection.execute("PRAGMA synchronous=FULL" if safe else "PRAGMA synchronous=EXTRA")
        connection.execute("PRAGMA journal_size_limit=67108864")

    @event.listens_for(reader, "connect")
    def _(connection: Any, _record: object) -> None:  # noqa: ANN401
        connection.isolation_level = None
        for pragma in (*_EVERY_CONNECTION, "PRAGMA query_only=ON"):
            connection.execute(pragma)

    @event.listens_for(writer, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(reader, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return Database(url, journal, writer, reader)


def _open_postgresql(url: str) -> Database:
    options: dict[str, Any] = {
        "pool_pre_ping": True, "pool_size": 5, "max_overflow": 20,
        "connect_args": {
            "connect_timeout": 3,
            "options": "-c statement_timeout=60000 -c lock_timeout=10000 "
            "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
        },
    }  # fmt: skip
    full = make_url(url).set(drivername="postgresql+psycopg")
    writer = create_engine(full, **options)
    reader = create_engine(full, isolation_level="REPEATABLE READ", **options)

    @event.listens_for(reader, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    return Database(url, "postgresql", writer, reader)


def durability_warnings(db: Database) -> list[str]:
    """Return the server settings that make a commit less than durable; empty is good."""
    if db.is_sqlite:
        return []
    with db.read() as connection:
        return [
            name
            for name in ("fsync", "full_page_writes", "synchronous_commit")
            if connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar() == "off"
        ]
