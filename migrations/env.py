"""Runs migrations inside one writing transaction of the store's own engine."""

from __future__ import annotations

from alembic import context

from ingestor.faultpoints import point
from ingestor.store.engine import Database, open_database
from ingestor.store.tables import metadata


def database() -> Database:
    given = context.config.attributes.get("database")
    if given is not None:
        return given
    return open_database(context.config.get_main_option("sqlalchemy.url", "sqlite://"))


with database().write() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
        compare_type=True,
        on_version_apply=lambda **_: point("schema.step"),
    )
    # The transaction is the store's: BEGIN IMMEDIATE has been sent, COMMIT follows when all steps are done.
    context.run_migrations()
