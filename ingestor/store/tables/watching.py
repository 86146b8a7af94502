"""Watched folders and what became of each file in them, so that a restart or a second watcher repeats nothing."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
)

from ingestor.store.tables.base import HASH, ID, LONG, UTC_TIME, WORD, metadata

# `owner` is the process that watches; it is alive as long as `beat` goes on counting. `device` tells a mounted
# share from the empty folder it is mounted over.
watch_folder = Table(
    "watch_folder", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("name", LONG, nullable=False),
    Column("device", BigInteger),
    Column("owner", WORD),
    Column("beat", BigInteger, nullable=False, default=0),
    Column("state", WORD, nullable=False),
    Column("since", UTC_TIME, nullable=False),
    Column("seen_at", UTC_TIME, nullable=False),
    Column("files", Integer, nullable=False, default=0),
    Column("open", Integer, nullable=False, default=0),
)  # fmt: skip

# The newest version of each file; `path` is relative, in bytes, for names follow no encoding.
watch_file = Table(
    "watch_file", metadata,
    Column("folder", ID, ForeignKey("watch_folder.id"), nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("name", LONG, nullable=False),
    Column("dev", BigInteger, nullable=False),
    Column("ino", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("ctime_ns", BigInteger, nullable=False),
    Column("state", WORD, CheckConstraint("state IN ('waiting','taken','refused','aside')", "known_state"), nullable=False),
    Column("code", WORD),
    Column("attempts", Integer, nullable=False, default=0),
    Column("sha256", HASH),
    Column("submission", ID),
    Column("at", UTC_TIME, nullable=False),
    PrimaryKeyConstraint("folder", "path"),
)  # fmt: skip
