"""What persons say of warnings about columns."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    exact = "C" if op.get_bind().dialect.name == "postgresql" else None
    key, word, at = sa.String(40, collation=exact), sa.String(collation=exact), sa.DateTime(timezone=True)
    long = word if exact else sa.Text()
    op.create_table(
        "column_word",
        sa.Column("id", key, nullable=False),
        sa.Column("centre", key, nullable=False),
        sa.Column("code", word, nullable=False),
        sa.Column("serial", word, nullable=False),
        sa.Column("subject", word, nullable=False),
        sa.Column("actor", word, nullable=False),
        sa.Column("reason", long, nullable=False),
        sa.Column("at", at, nullable=False),
        sa.Column("revoked_at", at),
        sa.PrimaryKeyConstraint("id", name="pk_column_word"),
        sa.ForeignKeyConstraint(["centre"], ["centre.id"], name="fk_column_word_centre_centre"),
        sa.CheckConstraint("at BETWEEN '1900-01-01' AND '9999-12-31'", name=op.f("ck_column_word_at_finite")),
        sa.CheckConstraint("revoked_at BETWEEN '1900-01-01' AND '9999-12-31'", name=op.f("ck_column_word_revoked_at_finite")),
    )
    op.create_index("ix_column_word_serial", "column_word", ["serial"])


def downgrade() -> None:
    op.drop_table("column_word")
