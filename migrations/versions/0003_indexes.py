"""Indexes for lists and counts of many sessions: what they ask for is found without reading wide rows."""


from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = {
    "ix_run_session_id_started_at": "run (session_id, started_at, id, device_id)",
    "ix_run_device_id_session_id": "run (device_id, session_id, printed_id)",
    "ix_revision_run_id_state": "revision (run_id, state, id)",
    "ix_revision_held": "revision (read_at) WHERE state = 'held'",
    "ix_finding_code": "finding (code, revision_id)",
    "ix_dose_figures": (
        "dose (centre, known_to, status, started_at, device, started_local, processed_plasma_ml, pv_multiple, "
        "plasma_volume_formula) WHERE known_to IS NULL"
    ),
}


def upgrade() -> None:
    for name, columns in _STATEMENTS.items():
        op.execute(text(f"CREATE INDEX {name} ON {columns}"))


def downgrade() -> None:
    for name in _STATEMENTS:
        op.execute(text(f"DROP INDEX {name}"))
