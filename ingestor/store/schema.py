"""Creating and upgrading the schema. A migration is atomic on both databases."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from ingestor.errors import DatabaseTrouble

if TYPE_CHECKING:
    from alembic.config import Config

    from ingestor.store.engine import Database


def _config(db: Database) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    config.attributes["database"] = db
    return config


def versions(db: Database) -> tuple[str | None, str]:
    """Return the version that the database has (None: empty) and the one this program wants."""
    from alembic.script import ScriptDirectory

    wanted = ScriptDirectory.from_config(_config(db)).get_current_head()
    with db.read() as connection:
        known = inspect(connection).has_table("alembic_version")
        got = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if known else None
    return got, str(wanted)


def known_versions(db: Database) -> set[str]:
    """Return every version of the schema that this program can bring to its own."""
    from alembic.script import ScriptDirectory

    return {s.revision for s in ScriptDirectory.from_config(_config(db)).walk_revisions()}


def upgrade(db: Database) -> bool:
    """Bring the schema to this program's version; return whether anything was done.

    Raises:
        DatabaseTrouble: the database belongs to a newer program. Nothing was changed.
    """
    from alembic import command

    got, wanted = versions(db)
    if got == wanted:
        return False
    if got is not None and got not in known_versions(db):
        raise DatabaseTrouble("database_newer", got=got, wanted=wanted)
    command.upgrade(_config(db), "head")
    return True
