"""Doses as they were known from one moment to another, and the feed of what changed."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table
from sqlalchemy.types import BigInteger

from ingestor.store.tables.base import DOC, ID, LOCAL, NUMBER, UTC_TIME, WORD, metadata


def _number(name: str, most: str = "1e9", least: str = "0") -> Column[object]:
    return Column(name, NUMBER, CheckConstraint(f"{name} >= {least} AND {name} < {most}", f"{name}_range"))


def _count(name: str) -> Column[object]:
    return Column(name, Integer, CheckConstraint(f"{name} >= 0", f"{name}_positive"))


# The served row, in the order in which it is served.
DOSE_COLUMNS: tuple[str, ...] = (
    "session_id", "patient", "course", "started_at", "ended_at", "started_local", "time_method",
    "device", "device_model", "device_serial", "role", "driver", "driver_version", "evidence", "status",
    "status_reasons", "processed_plasma_ml", "processed_plasma_reading", "reported_ml", "cycles_ml",
    "counter_ml", "integrated_ml", "agreement", "max_disagreement", "native_plasma_ml", "plasma_volume_ml",
    "plasma_volume_formula", "pv_multiple", "plasma_ml_per_kg", "weight_kg", "height_cm", "hematocrit",
    "cycles_completed", "cycles_aborted", "plasma_per_cycle_min_ml", "plasma_per_cycle_mean_ml",
    "plasma_per_cycle_max_ml", "blood_processed_ml", "ac_volume_ml", "connected_min", "loading_min",
    "interrupted_min", "interruptions", "mean_plasma_flow_ml_min", "alarms_high", "alarms_medium",
    "alarms_low", "alarms_info", "alarms_unknown", "alarm_min", "complete", "method", "sources",
)  # fmt: skip

_CURRENT = Column("known_to").is_(None)

dose = Table(
    "dose", metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("session_id", ID, ForeignKey("session.id"), nullable=False),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("known_from", UTC_TIME, nullable=False),
    Column("known_to", UTC_TIME),
    Column("method", WORD, nullable=False),
    Column("patient_id", ID),
    Column("course", WORD),
    Column("started_at", UTC_TIME, nullable=False),
    Column("ended_at", UTC_TIME),
    Column("started_local", LOCAL, nullable=False),
    Column("time_method", WORD, nullable=False),
    Column("device", ID, nullable=False),
    Column("device_model", WORD, nullable=False),
    Column("device_serial", WORD, nullable=False),
    Column("role", WORD, nullable=False),
    Column("driver", WORD, nullable=False),
    Column("driver_version", WORD, nullable=False),
    Column("evidence", WORD, nullable=False),
    Column("status", WORD, CheckConstraint("status IN ('final','provisional','withheld','bench')", "known_status"), nullable=False),
    Column("status_reasons", DOC, nullable=False),
    _number("processed_plasma_ml", "100000"),
    Column("processed_plasma_reading", WORD),
    _number("reported_ml", "100000"), _number("cycles_ml", "100000"),
    _number("counter_ml", "100000"), _number("integrated_ml", "100000"),
    Column("agreement", WORD, CheckConstraint("agreement IN ('agreed','single_source','disagreed')", "known_agreement")),
    _number("max_disagreement"),
    _number("native_plasma_ml", "100000"), _number("plasma_volume_ml", "100000"),
    Column("plasma_volume_formula", WORD),
    _number("pv_multiple", "1000"), _number("plasma_ml_per_kg", "100000"),
    _number("weight_kg", "1000"), _number("height_cm", "1000"), _number("hematocrit", "1.000001"),
    _count("cycles_completed"), _count("cycles_aborted"),
    _number("plasma_per_cycle_min_ml"), _number("plasma_per_cycle_mean_ml"), _number("plasma_per_cycle_max_ml"),
    _number("blood_processed_ml"), _number("ac_volume_ml"),
    _number("connected_min"), _number("loading_min"), _number("interrupted_min"), _count("interruptions"),
    _number("mean_plasma_flow_ml_min"),
    _count("alarms_high"), _count("alarms_medium"), _count("alarms_low"), _count("alarms_info"), _count("alarms_unknown"),
    _number("alarm_min"),
    Column("complete", Boolean, nullable=False),
    Column("sources", DOC, nullable=False),
    Column("detail", DOC, nullable=False),
    Index("uq_dose_current", "session_id", "method", unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT),
    Index("ix_dose_current_started", "started_at", "session_id", sqlite_where=_CURRENT, postgresql_where=_CURRENT),
    Index("ix_dose_started_at_session_id", "started_at", "session_id"),
    Index("ix_dose_patient_started", "patient_id", "started_at", "session_id"),
    Index("ix_dose_device_started", "device", "started_at", "session_id"),
    Index("ix_dose_status_started", "status", "started_at", "session_id"),
    Index("ix_dose_known", "known_from", "known_to"),
    # All that drawings of many doses want, without reading the wide rows.
    Index("ix_dose_figures", "centre", "known_to", "status", "started_at", "device", "started_local", "processed_plasma_ml",
          "pv_multiple", "plasma_volume_formula", sqlite_where=_CURRENT, postgresql_where=_CURRENT),
)  # fmt: skip

# What changed in what is served, by sequence number.
change = Table(
    "change", metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UTC_TIME, nullable=False),
    Column("session_id", ID, ForeignKey("session.id"), nullable=False, index=True),
    Column("kind", WORD, nullable=False),
    Column("cause", WORD, nullable=False),
    Column("fields", DOC, nullable=False),
)  # fmt: skip
