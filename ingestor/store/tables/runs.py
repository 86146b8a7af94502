"""Sessions, the runs they are made of, and the readings of each run."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from ingestor.store.tables.base import DOC, HASH, ID, LOCAL, LONG, NUMBER, UTC_TIME, WORD, metadata

_JOINED = Column("joined_into").is_not(None)

session = Table(
    "session", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("started_at", UTC_TIME, nullable=False),
    Column("ended_at", UTC_TIME),
    Column("patient_id", ID, ForeignKey("patient.id"), index=True),
    Column("ward", ID, ForeignKey("ward.id")),
    Column("created_at", UTC_TIME, nullable=False),
    Column("joined_into", ID, ForeignKey("session.id")),
    Column("decision", DOC),
    Column("flags", DOC, nullable=False),
    Index("ix_session_started_at_id", "started_at", "id"),
    Index("ix_session_joined_into", "joined_into", sqlite_where=_JOINED, postgresql_where=_JOINED),
)  # fmt: skip

run = Table(
    "run", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("device_id", ID, ForeignKey("device.id"), nullable=False),
    Column("role", WORD, nullable=False),
    Column("printed_id", WORD),
    # Null while the run's only reading is held.
    Column("session_id", ID, ForeignKey("session.id"), index=True),
    # The first of several runs under one number of the machine, of which this is a later-found stretch.
    Column("half_of", ID, ForeignKey("run.id"), index=True),
    Column("started_at", UTC_TIME, nullable=False),
    Column("ended_at", UTC_TIME),
    # The end, or the last moment of a record that was cut off.
    Column("last_seen", UTC_TIME, nullable=False),
    Index("ix_run_device_id_started_at", "device_id", "started_at"),
    Index("ix_run_centre_started_at", "centre", "started_at"),
    # From a session to its runs, and from a machine to its sessions and numbers, without reading the rows.
    Index("ix_run_session_id_started_at", "session_id", "started_at", "id", "device_id"),
    Index("ix_run_device_id_session_id", "device_id", "session_id", "printed_id"),
)  # fmt: skip

# A person's word on whether two runs are one treatment. A row is never changed: it is revoked.
run_pair = Table(
    "run_pair", metadata,
    Column("id", ID, primary_key=True),
    Column("first", ID, ForeignKey("run.id"), nullable=False, index=True),
    Column("second", ID, ForeignKey("run.id"), nullable=False, index=True),
    Column("together", Boolean, nullable=False),
    Column("actor", WORD, nullable=False),
    Column("reason", LONG, nullable=False),
    Column("at", UTC_TIME, nullable=False),
    Column("revoked_at", UTC_TIME),
)  # fmt: skip

# A person's word on a warning about a column: two patients who share it, or a run. Never changed: it is revoked.
column_word = Table(
    "column_word", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("code", WORD, nullable=False),
    Column("serial", WORD, nullable=False, index=True),
    Column("subject", WORD, nullable=False),
    Column("actor", WORD, nullable=False),
    Column("reason", LONG, nullable=False),
    Column("at", UTC_TIME, nullable=False),
    Column("revoked_at", UTC_TIME),
)  # fmt: skip

# One reading of one source for one run. `treatment` counts the treatments in the source. `state` tells which of them counts.
revision = Table(
    "revision", metadata,
    Column("id", ID, primary_key=True),
    Column("run_id", ID, ForeignKey("run.id"), nullable=False, index=True),
    Column("source", HASH, ForeignKey("source.sha256"), nullable=False, index=True),
    Column("treatment", Integer, nullable=False),
    Column("state", WORD, CheckConstraint("state IN ('current','superseded','held','rejected','proposed')", "known_state"), nullable=False),
    Column("driver", WORD, nullable=False),
    Column("driver_version", WORD, nullable=False),
    Column("evidence", WORD, nullable=False),
    Column("layout", WORD, nullable=False),
    Column("layout_version", WORD, nullable=False),
    Column("software", WORD, nullable=False),
    Column("zone", WORD, nullable=False),
    # By which rules and with which clock the printed log was given its meaning.
    Column("basis", WORD, nullable=False),
    Column("member", LONG, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("hold", WORD),
    Column("bench", Boolean, nullable=False),
    Column("cycle_definition", WORD, nullable=False),
    Column("started_at", UTC_TIME, nullable=False),
    Column("started_local", LOCAL, nullable=False),
    Column("started_method", WORD, nullable=False),
    Column("ended_at", UTC_TIME),
    Column("ended_local", LOCAL),
    Column("ended_method", WORD),
    Column("rows_read", Integer, nullable=False),
    Column("ignored", DOC, nullable=False),
    Column("totals", DOC, nullable=False),
    Column("facts", DOC, nullable=False),
    Column("segments", DOC, nullable=False),
    Column("figures", DOC, nullable=False),
    Column("read_at", UTC_TIME, nullable=False),
    # The reading that counts since in its stead, of this run or of one that contains it.
    Column("replaced_by", ID, ForeignKey("revision.id"), index=True),
    UniqueConstraint("run_id", "source", "treatment", "driver", "driver_version", "basis"),
    Index("uq_revision_current", "run_id", unique=True, sqlite_where=Column("state") == "current",
          postgresql_where=Column("state") == "current"),
    Index("ix_revision_run_id_state", "run_id", "state", "id"),
    Index("ix_revision_held", "read_at", sqlite_where=Column("state") == "held",
          postgresql_where=Column("state") == "held"),
)  # fmt: skip


def _row_of_a_revision(name: str, *columns: Column[object] | Index) -> Table:
    return Table(
        name,
        metadata,
        Column("revision_id", ID, ForeignKey("revision.id"), nullable=False),
        Column("position", Integer, nullable=False),
        *columns,
        Column("line", Integer, nullable=False),
        PrimaryKeyConstraint("revision_id", "position"),
    )


def _instant(name: str) -> tuple[Column[object], ...]:
    return (
        Column(f"{name}_at", UTC_TIME),
        Column(f"{name}_local", LOCAL),
        Column(f"{name}_method", WORD),
    )


column_use = _row_of_a_revision(
    "column_use",
    Column("column_position", WORD, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("product", WORD, nullable=False),
    Column("serial", WORD, nullable=False, index=True),
    Column("lot", WORD, nullable=False),
    Column("use", Integer),
    Column("expiry", Date),
    Column("regenerable", Boolean),
)

phase = _row_of_a_revision(
    "phase",
    Column("cycle", Integer, nullable=False),
    Column("column_position", WORD, nullable=False),
    Column("phase", WORD, nullable=False),
    *_instant("start"),
    *_instant("end"),
    Column("volume_ml", NUMBER),
    Column("volume_raw", WORD, nullable=False),
    Column("completed", Boolean),
)

cycle = _row_of_a_revision(
    "cycle",
    Column("number", Integer, nullable=False),
    Column("column_position", WORD, nullable=False),
    *_instant("start"),
    *_instant("end"),
    Column("load_ml", NUMBER, CheckConstraint("load_ml >= 0", "load_ml_positive")),
    Column("completed", Boolean),
)

alarm = _row_of_a_revision(
    "alarm",
    Column("code", WORD, nullable=False),
    Column("klass", WORD, nullable=False),
    Column("kind", WORD, nullable=False),
    Column("priority", WORD, nullable=False),
    Column("text", LONG, nullable=False),
    *_instant("onset"),
    *_instant("cleared"),
    *_instant("acknowledged"),
)

event = _row_of_a_revision(
    "event",
    Column("kind", WORD, nullable=False),
    Column("text", LONG, nullable=False),
    *_instant("event"),
    Column("value", NUMBER),
    Column("unit", WORD, nullable=False),
)

finding = _row_of_a_revision(
    "finding",
    Column("code", WORD, nullable=False),
    Column("severity", WORD, nullable=False),
    Column("member", LONG, nullable=False),
    Column("params", DOC, nullable=False),
    Index("ix_finding_code", "code", "revision_id"),
)

trace = Table(
    "trace", metadata,
    Column("revision_id", ID, ForeignKey("revision.id"), primary_key=True),
    Column("samples", Integer, nullable=False),
    Column("channels", DOC, nullable=False),
    Column("block", LargeBinary, nullable=False),
)  # fmt: skip
