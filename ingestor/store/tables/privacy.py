"""What persons may ask of their data, and who decided it; the second factor of a login, and sign-ons of elsewhere."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table

from ingestor.store.tables.base import DOC, ID, LONG, UTC_TIME, WORD, metadata

# A row is decided once and ended once; it is never deleted.
privacy_request = Table(
    "privacy_request", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column(
        "kind", WORD, CheckConstraint("kind IN ('reidentification','restriction','erasure')", "known_kind"), nullable=False
    ),
    Column("patient_id", ID, ForeignKey("patient.id"), nullable=False),
    Column("asked_by", WORD, nullable=False),
    Column("asked_at", UTC_TIME, nullable=False),
    Column("reason", LONG, nullable=False),
    Column("decision", WORD, CheckConstraint("decision IN ('granted','refused')", "known_decision")),
    Column("decided_by", WORD),
    Column("decided_at", UTC_TIME),
    Column("note", LONG),
    Column("ended_by", WORD),
    Column("ended_at", UTC_TIME),
    Index("ix_privacy_request_patient_id", "patient_id", "kind"),
)  # fmt: skip

second_factor = Table(
    "second_factor", metadata,
    Column("account_id", ID, ForeignKey("account.id"), primary_key=True),
    Column("secret", WORD, nullable=False),
    Column("created_at", UTC_TIME, nullable=False),
    Column("confirmed_at", UTC_TIME),
    # The number of the newest code that was taken: none is taken twice.
    Column("last_step", Integer, nullable=False),
    Column("recovery", DOC, nullable=False),
)  # fmt: skip

sign_on = Table(
    "sign_on", metadata,
    Column("issuer", WORD, nullable=False),
    Column("subject", WORD, nullable=False),
    Column("account_id", ID, ForeignKey("account.id"), nullable=False, index=True),
    Column("created_at", UTC_TIME, nullable=False),
    PrimaryKeyConstraint("issuer", "subject"),
)  # fmt: skip
