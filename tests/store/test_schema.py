"""What a migration promises on both databases."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, inspect, text

from ingestor.errors import DatabaseTrouble
from ingestor.store import schema
from ingestor.store.engine import Database, open_database
from ingestor.store.tables import metadata


def tables(db: Database) -> set[str]:
    with db.read() as connection:
        return set(inspect(connection).get_table_names())


def test_the_migrations_make_exactly_the_tables_that_the_program_uses(db: Database):
    with db.write() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_every_check_and_every_index_of_the_tables(db: Database):
    """A comparison of schemas does not see these."""
    with db.read() as connection:
        found = inspect(connection)
        made = {t: {c["name"] for c in found.get_check_constraints(t)} for t in metadata.tables}
        indexed = {t: {i["name"] for i in found.get_indexes(t)} for t in metadata.tables}
    for name, table in metadata.tables.items():
        checks = {str(c.name) for c in table.constraints if isinstance(c, CheckConstraint)}
        assert checks <= made[name], name
        assert {str(i.name) for i in table.indexes} <= indexed[name], name


def test_a_second_upgrade_does_nothing(db: Database):
    assert schema.upgrade(db) is False


def test_every_step_can_be_taken_back_and_taken_again(db: Database):
    config = schema._config(db)
    for _ in ScriptDirectory.from_config(config).walk_revisions():
        command.downgrade(config, "-1")
    assert tables(db) == {"alembic_version"}
    command.upgrade(config, "head")
    assert schema.upgrade(db) is False
    assert tables(db) == {*metadata.tables, "alembic_version"}


@pytest.mark.parametrize("point", ["schema.tables", "schema.step"])
def test_a_migration_that_is_killed_leaves_the_old_schema_and_the_next_one_works(empty_url: str, point: str):
    """F034."""
    code = "import sys; from ingestor.store import engine, schema; schema.upgrade(engine.open_database(sys.argv[1]))"
    killed = subprocess.run(
        [sys.executable, "-c", code, empty_url],
        env=os.environ | {"APHERELOG_FAULT": f"{point}:kill"},
        check=False,
    )
    assert killed.returncode == -9
    db = open_database(empty_url)
    assert tables(db) == set()
    assert schema.upgrade(db) is True
    assert tables(db) == {*metadata.tables, "alembic_version"}
    db.close()


def test_a_database_of_a_newer_program_is_not_touched(db: Database):
    """F035."""
    with db.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("DROP TABLE setting"))
    with pytest.raises(DatabaseTrouble) as caught:
        schema.upgrade(db)
    assert caught.value.code == "database_newer"
    assert "setting" not in tables(db)


def test_the_audit_chain_refuses_change_on_the_database_itself(db: Database):
    values = "1, '2026-01-01', 'a', 'admin', 'x', 'y', '', '{}', '0', '1'"
    with db.write() as connection:
        connection.execute(text(f"INSERT INTO audit VALUES ({values})"))
    for statement in ("UPDATE audit SET actor = 'b'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append-only"), db.write() as connection:
            connection.execute(text(statement))
