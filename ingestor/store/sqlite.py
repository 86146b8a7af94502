"""SQLite, opened with the safeguards that several processes need.

Source: https://sqlite.org/wal.html#walreset for the versions that may not use WAL.
"""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.pool import QueuePool

from ingestor import disk
from ingestor.errors import DatabaseTrouble

if TYPE_CHECKING:
    from types import ModuleType

    from sqlalchemy import Engine

log = logging.getLogger(__name__)

# How long a writer waits for another one [ms].
WAIT_MS = 10_000
# More than this in the write-ahead log means that a reader holds it back [B].
WAL_BYTES = 64 << 20
# Where persons are named. On a veiled connection every column of these reads as NULL.
IDENTITIES = frozenset({"identity", "identifier", "printed_patient"})
_NAMING_COLUMNS = frozenset({("measurement", "source")})


def library() -> ModuleType:
    """Return the SQLite module to use: the one that carries a current library, where it is installed."""
    try:
        return import_module("pysqlite3.dbapi2")
    except ImportError:
        return import_module("sqlite3")


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Return whether this SQLite library may share a WAL database between several connections."""
    return version > (3, 51, 2) and version[:2] != (3, 52)


def engines(url: str, pool: dict[str, Any]) -> tuple[str, Engine, Engine, Engine]:
    """Return the journal mode, the engine that writes, the one that only reads, and one that reads no identities.

    Raises:
        SettingsError: `shared_disk`: the file would lie on a network or user-space file system.
    """
    file = make_url(url).database
    if file:
        disk.require_local(_folder(Path(file)))
    module = library()
    journal = "wal" if wal_is_safe(module.sqlite_version_info) else "delete"
    if journal != "wal":
        log.warning("sqlite_without_wal", extra={"version": module.sqlite_version})
    options: dict[str, Any] = {
        "module": module, "poolclass": QueuePool, "connect_args": {"check_same_thread": False},
        "hide_parameters": True, **pool,
    }  # fmt: skip
    writer, reader = create_engine(url, **options), create_engine(url, **options)
    veiled = create_engine(url, **options)
    _guard(writer, journal)
    for engine in (reader, veiled):
        _guard(engine, None)
    _veil(veiled, module)
    return journal, writer, reader, veiled


def _veil(engine: Engine, module: ModuleType) -> None:
    """Let SQLite itself answer NULL for every column that names a person.

    Source: https://sqlite.org/c3ref/set_authorizer.html for SQLITE_IGNORE on SQLITE_READ.
    """

    def allowed(action: int, table: str | None, column: str | None, *_: object) -> int:
        named = action == module.SQLITE_READ and (table in IDENTITIES or (table, column) in _NAMING_COLUMNS)
        return int(module.SQLITE_IGNORE if named else module.SQLITE_OK)

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:  # noqa: ANN401
        connection.set_authorizer(allowed)


def _folder(file: Path) -> Path:
    """The first folder above a file that exists already."""
    return next(p for p in file.absolute().parents if p.is_dir())


def _guard(engine: Engine, journal: str | None) -> None:
    """Set every connection up; the one without a journal mode only reads."""

    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:  # noqa: ANN401
        connection.isolation_level = None
        for setting in (
            "foreign_keys=ON", f"busy_timeout={WAIT_MS}", "recursive_triggers=ON", "trusted_schema=OFF",
            "cell_size_check=ON", "mmap_size=0",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {setting}")
        if journal is None:
            connection.execute("PRAGMA query_only=ON")
        else:
            _set_journal(connection, journal)

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        if journal is None:  # waits for nobody and cannot fail: not worth the way through all layers
            cast("Any", connection.connection.driver_connection).execute("BEGIN")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")


def _set_journal(connection: Any, journal: str) -> None:  # noqa: ANN401
    mode = connection.execute(f"PRAGMA journal_mode={journal}").fetchone()[0]
    if mode != journal:
        raise DatabaseTrouble("database_journal", expected=journal, got=mode)
    connection.execute(f"PRAGMA synchronous={'FULL' if journal == 'wal' else 'EXTRA'}")
    connection.execute("PRAGMA journal_size_limit=67108864")


def wal_bytes(url: str) -> int:
    """Return how long the write-ahead log is [B]; beyond `WAL_BYTES` somebody holds it back."""
    try:
        return Path(f"{make_url(url).database}-wal").stat().st_size
    except FileNotFoundError:
        return 0


def shorten_log(writer: Engine) -> None:
    """Bring the write-ahead log into the database and cut it to nothing, unless somebody uses it: nobody waits."""
    connection = writer.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=0")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        cursor.execute(f"PRAGMA busy_timeout={WAIT_MS}")
    finally:
        connection.close()
