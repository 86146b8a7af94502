"""Patients. What identifies a person stands in tables of its own, which an analyst's queries never join."""

from sqlalchemy import Boolean, CheckConstraint, Column, Date, ForeignKey, Index, Integer, Table

from ingestor.store.tables.base import ID, LONG, NUMBER, UTC_TIME, WORD, metadata

_MERGED = Column("merged_into").is_not(None)

patient = Table(
    "patient", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("sex", WORD, CheckConstraint("sex IN ('female','male')", "known_sex")),
    Column("birth_year", Integer, CheckConstraint("birth_year BETWEEN 1880 AND 2200", "birth_year_range")),
    Column("test", Boolean, nullable=False, default=False),
    Column("merged_into", ID, ForeignKey("patient.id")),
    Column("created_at", UTC_TIME, nullable=False),
    Index("ix_patient_merged_into", "merged_into", sqlite_where=_MERGED, postgresql_where=_MERGED),
)  # fmt: skip

identity = Table(
    "identity", metadata,
    Column("patient_id", ID, ForeignKey("patient.id"), primary_key=True),
    Column("birth_date", Date),
    Column("name", WORD),
)  # fmt: skip

identifier = Table(
    "identifier", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("patient_id", ID, ForeignKey("patient.id"), nullable=False, index=True),
    Column("system", WORD, nullable=False),
    Column("value", WORD, nullable=False),
    Column("normalised", WORD, nullable=False),
    Column("valid_from", UTC_TIME),
    Column("valid_to", UTC_TIME),
    Index("ix_identifier_normalised", "centre", "normalised"),
)  # fmt: skip

# What stands in the patient field of a machine.
printed_patient = Table(
    "printed_patient", metadata,
    Column("revision_id", ID, ForeignKey("revision.id"), primary_key=True),
    Column("text", WORD, nullable=False),
)  # fmt: skip

measurement = Table(
    "measurement", metadata,
    Column("id", ID, primary_key=True),
    Column("patient_id", ID, ForeignKey("patient.id"), nullable=False, index=True),
    Column("kind", WORD, nullable=False),
    Column("value", NUMBER, CheckConstraint("value >= 0 AND value < 1e9", "value_range"), nullable=False),
    Column("unit", WORD, nullable=False),
    Column("at", UTC_TIME, nullable=False),
    Column("source", WORD, nullable=False),
    Column("actor", WORD, nullable=False),
    Column("recorded_at", UTC_TIME, nullable=False),
    Column("revoked_at", UTC_TIME),
)  # fmt: skip

# Every link and every unlink; the newest row of a session is the one that holds.
link = Table(
    "link", metadata,
    Column("id", ID, primary_key=True),
    Column("session_id", ID, ForeignKey("session.id"), nullable=False, index=True),
    Column("patient_id", ID, ForeignKey("patient.id")),
    Column("rule", WORD, nullable=False),
    Column("actor", WORD, nullable=False),
    Column("reason", LONG, nullable=False),
    Column("at", UTC_TIME, nullable=False),
    Column("number", Integer, nullable=False),
    Column("replaced", ID, ForeignKey("link.id")),
    Index("uq_link_session_id_number", "session_id", "number", unique=True),
)  # fmt: skip

# A link that a person asked for and a second person has to confirm. Decided once, never deleted.
link_request = Table(
    "link_request", metadata,
    Column("id", ID, primary_key=True),
    Column("session_id", ID, ForeignKey("session.id"), nullable=False, index=True),
    Column("patient_id", ID, ForeignKey("patient.id"), nullable=False),
    Column("actor", WORD, nullable=False),
    Column("reason", LONG, nullable=False),
    Column("at", UTC_TIME, nullable=False),
    Column("outcome", WORD, CheckConstraint("outcome IN ('confirmed','refused','replaced')", "known_outcome")),
    Column("decided_by", WORD),
    Column("decided_at", UTC_TIME),
    Index("ix_link_request_outcome", "outcome", "at"),
)  # fmt: skip
