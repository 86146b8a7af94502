"""The first schema: every table, and the guards of the audit chain."""

from alembic import op

from ingestor.faultpoints import point
from ingestor.store.guards import guard_audit
from ingestor.store.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    point("schema.tables")
    guard_audit(op.get_bind())


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
