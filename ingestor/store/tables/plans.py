"""Reading again: what would change, and how far the change has come."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table

from ingestor.store.tables.base import DOC, ID, LONG, UTC_TIME, WORD, metadata

_STATES = "state IN ('making','ready','approved','done','dropped')"
_ITEM_STATES = "state IN ('open','done','stale')"

plan = Table(
    "plan", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("state", WORD, CheckConstraint(_STATES, "known_state"), nullable=False),
    # Only what this driver has read, or what this machine recorded.
    Column("driver", WORD),
    Column("device_id", ID, ForeignKey("device.id")),
    Column("cause", WORD, nullable=False),
    Column("worker", WORD, nullable=False),
    Column("actor", WORD, nullable=False),
    Column("at", UTC_TIME, nullable=False),
    Column("unchanged", Integer, nullable=False, default=0),
    Column("approved_by", WORD),
    Column("reason", LONG, nullable=False, default=""),
    Column("ended_at", UTC_TIME),
    Index("ix_plan_state", "state"),
)  # fmt: skip

# Sources and sessions that change together, in one transaction.
plan_item = Table(
    "plan_item", metadata,
    Column("plan_id", ID, ForeignKey("plan.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("unit", WORD, nullable=False),
    Column("kind", WORD, nullable=False),
    Column("state", WORD, CheckConstraint(_ITEM_STATES, "known_state"), nullable=False),
    Column("submission", ID, ForeignKey("submission.id")),
    # Readings that stop counting, readings that come in their stead, and sessions whose doses are computed again.
    Column("retire", DOC, nullable=False),
    Column("enter", DOC, nullable=False),
    Column("sessions", DOC, nullable=False),
    Column("changes", DOC, nullable=False),
    Column("troubles", DOC, nullable=False),
    PrimaryKeyConstraint("plan_id", "position"),
    Index("uq_plan_item_plan_id_unit", "plan_id", "unit", unique=True),
)  # fmt: skip
