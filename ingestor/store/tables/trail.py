"""The audit chain and the few settings that live in the database."""

from sqlalchemy import Column, Integer, Table
from sqlalchemy.types import BigInteger

from ingestor.store.tables.base import DOC, EXACT_DOC, HASH, LONG, UTC_TIME, WORD, metadata

# Append-only; triggers of the migration refuse update, delete and replace.
audit = Table(
    "audit", metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("at", UTC_TIME, nullable=False),
    Column("actor", WORD, nullable=False),
    Column("role", WORD, nullable=False),
    Column("action", WORD, nullable=False),
    Column("object", WORD, nullable=False),
    Column("reason", LONG, nullable=False),
    Column("detail", EXACT_DOC, nullable=False),
    Column("previous", HASH, nullable=False),
    Column("hash", HASH, nullable=False),
)  # fmt: skip

setting = Table(
    "setting", metadata,
    Column("key", WORD, primary_key=True),
    Column("value", DOC, nullable=False),
)  # fmt: skip
