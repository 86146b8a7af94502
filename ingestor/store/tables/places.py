"""Centres, wards, machines and their clocks."""

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Integer, Table, UniqueConstraint

from ingestor.store.tables.base import ID, LONG, UTC_TIME, WORD, metadata

centre = Table(
    "centre", metadata,
    Column("id", ID, primary_key=True),
    Column("name", WORD, nullable=False),
    Column("zone", WORD, nullable=False),
)  # fmt: skip

ward = Table(
    "ward", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("name", WORD, nullable=False),
    UniqueConstraint("centre", "name"),
)  # fmt: skip

device = Table(
    "device", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("ward", ID, ForeignKey("ward.id")),
    Column("maker", WORD, nullable=False),
    Column("model", WORD, nullable=False),
    Column("serial", WORD, nullable=False),
    Column("role", WORD, nullable=False),
    Column("zone", WORD),
    Column("bench", Boolean, nullable=False, default=False),
    Column("first_seen", UTC_TIME, nullable=False),
    UniqueConstraint("centre", "maker", "model", "serial"),
)  # fmt: skip

# How far a machine's clock is known to have been off. A row is never changed: it is revoked.
clock_offset = Table(
    "clock_offset", metadata,
    Column("id", ID, primary_key=True),
    Column("device_id", ID, ForeignKey("device.id"), nullable=False, index=True),
    Column("seconds", Integer, nullable=False),
    Column("valid_from", UTC_TIME),
    Column("valid_to", UTC_TIME),
    Column("actor", WORD, nullable=False),
    Column("reason", LONG, nullable=False),
    Column("recorded_at", UTC_TIME, nullable=False),
    Column("revoked_at", UTC_TIME),
    CheckConstraint("seconds BETWEEN -2000000000 AND 2000000000", "sixty_years_at_most"),
)  # fmt: skip

# A named person compared a real export of this model with the machine's screen and signed it.
acceptance = Table(
    "acceptance", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("driver", WORD, nullable=False),
    Column("driver_version", WORD, nullable=False),
    Column("model", WORD, nullable=False),
    Column("person", WORD, nullable=False),
    Column("note", LONG, nullable=False),
    Column("at", UTC_TIME, nullable=False),
    Column("revoked_at", UTC_TIME),
)  # fmt: skip
