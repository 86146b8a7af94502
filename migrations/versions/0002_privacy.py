"""Requests of persons on their data, second factors, sign-ons of elsewhere; on PostgreSQL the wall around identities.

Row level security without a policy: the owner of the tables sees every row, any other role none.
"""

from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = ("sign_on", "second_factor", "privacy_request")
_IDENTITY = ("identity", "identifier", "printed_patient")


def upgrade() -> None:
    connection = op.get_bind()
    page = Path(__file__).with_name(f"0002_{connection.dialect.name}.sql").read_text("utf-8")
    for statement in page.split(";\n"):
        if statement.strip():
            connection.execute(text(statement.replace(":", "\\:")))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for table in _IDENTITY:
            op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
