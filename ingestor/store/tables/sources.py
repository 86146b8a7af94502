"""What came in: archived members, sources, submissions and the jobs that read them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
)

from ingestor.store.tables.base import DOC, HASH, ID, LONG, UTC_TIME, WORD, metadata

raw_file = Table(
    "raw_file", metadata,
    Column("sha256", HASH, primary_key=True),
    Column("bytes", BigInteger, CheckConstraint("bytes >= 0", "bytes_positive"), nullable=False),
    Column("stored_at", UTC_TIME, nullable=False),
    Column("origin", WORD, nullable=False),
)  # fmt: skip

source = Table(
    "source", metadata,
    Column("sha256", HASH, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("bytes", BigInteger, CheckConstraint("bytes >= 0", "bytes_positive"), nullable=False),
    Column("first_seen", UTC_TIME, nullable=False),
)  # fmt: skip

source_member = Table(
    "source_member", metadata,
    Column("source", HASH, ForeignKey("source.sha256"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", LONG, nullable=False),
    Column("sha256", HASH, ForeignKey("raw_file.sha256"), nullable=False, index=True),
    Column("bytes", BigInteger, nullable=False),
    PrimaryKeyConstraint("source", "position"),
)  # fmt: skip

# One row each time somebody hands something in, the same bytes or not.
submission = Table(
    "submission", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("source", HASH, ForeignKey("source.sha256"), nullable=False, index=True),
    Column("way", WORD, nullable=False),
    Column("actor", WORD, nullable=False, index=True),
    Column("at", UTC_TIME, nullable=False),
    Column("zone", WORD),
    Column("driver", WORD),
    Column("preview", Boolean, nullable=False, default=False),
    Column("idempotency_key", WORD, unique=True),
    Column("note", LONG),
    # The names under which the sender knows the files; the source keeps those of the first who sent them.
    Column("names", DOC),
    Column("status", WORD, nullable=False, index=True),
    Column("code", WORD),
    Column("receipt", DOC),
    Column("done_at", UTC_TIME),
    Column("cleared_at", UTC_TIME),
)  # fmt: skip

job = Table(
    "job", metadata,
    Column("submission", ID, ForeignKey("submission.id"), primary_key=True),
    Column("state", WORD, CheckConstraint("state IN ('queued','running','done','failed')", "known_state"), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", UTC_TIME, nullable=False),
    Column("worker", WORD),
    Column("error", WORD),
    Index("ix_job_state_not_before", "state", "not_before"),
)  # fmt: skip
