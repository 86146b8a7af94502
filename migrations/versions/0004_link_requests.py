"""Links that wait for the word of a second person."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    page = Path(__file__).with_name(f"0004_{connection.dialect.name}.sql").read_text("utf-8")
    for statement in page.split(";\n"):
        if statement.strip():
            connection.execute(text(statement.replace(":", "\\:")))


def downgrade() -> None:
    op.drop_table("link_request")
