"""Indexes for what was joined or merged into another: asked for with every session that is shown."""


from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_STATEMENTS = {
    "ix_session_joined_into": "session (joined_into) WHERE joined_into IS NOT NULL",
    "ix_patient_merged_into": "patient (merged_into) WHERE merged_into IS NOT NULL",
}


def upgrade() -> None:
    for name, columns in _STATEMENTS.items():
        op.execute(text(f"CREATE INDEX {name} ON {columns}"))


def downgrade() -> None:
    for name in _STATEMENTS:
        op.execute(text(f"DROP INDEX {name}"))
