"""Data sets that were written down under a name, never to change."""

from sqlalchemy import Column, ForeignKey, Table

from ingestor.store.tables.base import DOC, HASH, ID, UTC_TIME, WORD, metadata

snapshot = Table(
    "snapshot", metadata,
    Column("name", WORD, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("created_at", UTC_TIME, nullable=False),
    Column("as_of", UTC_TIME, nullable=False),
    # Names and values of the filter, as they were given.
    Column("asked", DOC, nullable=False),
    # SHA-256 of the list of sums of all files.
    Column("sha256", HASH, nullable=False),
    Column("actor", WORD, nullable=False),
)  # fmt: skip
