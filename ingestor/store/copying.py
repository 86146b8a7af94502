"""A database as one file: copied while it is in use, checked, and brought back. SQLite only."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import text

from ingestor.errors import DatabaseTrouble, Invalid
from ingestor.store import schema, sqlite

if TYPE_CHECKING:
    from pathlib import Path

    from ingestor.store.engine import Database


def copy_to(db: Database, file: Path) -> None:
    """Write one consistent state of the database into a new file, while others go on writing.

    Raises:
        Invalid: `backup_postgresql`: PostgreSQL has its own tools for this.
        DatabaseTrouble: the copy is not whole.
    """
    with closing(_connection(db)) as source, closing(sqlite.library().connect(str(file))) as target:
        _driver(source).backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    _require_whole(file)


def bring_back(db: Database, file: Path) -> None:
    """Replace the content of the database by that of a copy, in one transaction.

    Raises:
        Invalid: `backup_postgresql`.
        DatabaseTrouble: `backup_damaged`, or the copy belongs to a newer program; nothing was changed.
    """
    _require_whole(file)
    known = schema.known_versions(db)
    with closing(sqlite.library().connect(f"file:{file}?mode=ro", uri=True)) as source:
        got = source.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        if got not in known:
            raise DatabaseTrouble("database_newer", got=got, wanted=schema.versions(db)[1])
        with closing(_connection(db)) as target:
            source.backup(_driver(target))


def troubles(db: Database) -> list[str]:
    """Return what is wrong inside the database file; empty is good. For PostgreSQL: what can be asked."""
    if not db.is_sqlite:
        with db.read() as connection:
            connection.execute(text("SELECT 1"))
        return []
    with db.read() as connection:
        told = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(20)"))]
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
    return [t for t in told if t != "ok"] + [f"{row[0]}: a row points to nothing" for row in broken[:20]]


def _require_whole(file: Path) -> None:
    try:
        with closing(sqlite.library().connect(f"file:{file}?mode=ro", uri=True)) as copy:
            told = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
            broken = copy.execute("PRAGMA foreign_key_check").fetchone()
            copy.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    except (sqlite.library().Error, TypeError) as error:
        raise DatabaseTrouble("backup_damaged", path=str(file)) from error
    if told != "ok" or broken is not None:
        raise DatabaseTrouble("backup_damaged", path=str(file))


def _connection(db: Database) -> Any:  # noqa: ANN401 - the driver's own
    if not db.is_sqlite:
        raise Invalid("backup_postgresql")
    return db.writer.raw_connection()


def _driver(connection: Any) -> Any:  # noqa: ANN401 - the driver's own
    return cast("Any", connection.driver_connection)
