"""The first schema: every table, and the guards of the audit chain.

The statements stand in `0001_sqlite.sql` and `0001_postgresql.sql`, so that this step stays what it was when the
tables of the program move on.
"""

from pathlib import Path

from alembic import op
from sqlalchemy import inspect, text

from ingestor.faultpoints import point
from ingestor.store.guards import guard_audit

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    for statement in _statements(connection.dialect.name):
        connection.execute(text(statement.replace(":", "\\:")))
    point("schema.tables")
    guard_audit(connection)


def downgrade() -> None:
    connection = op.get_bind()
    known = {s.split()[2].strip('"') for s in _statements(connection.dialect.name) if s.startswith("CREATE TABLE")}
    for table, _ in reversed(inspect(connection).get_sorted_table_and_fkc_names()):
        if table in known:
            op.drop_table(table)


def _statements(dialect: str) -> list[str]:
    page = Path(__file__).with_name(f"0001_{dialect}.sql").read_text("utf-8")
    return [s.strip() for s in page.split(";\n") if s.strip()]
