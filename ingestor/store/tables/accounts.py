"""Local accounts, their logins and their API tokens. Secrets are stored as hashes only."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Table

from ingestor.store.tables.base import HASH, ID, LONG, UTC_TIME, WORD, metadata

_ROLES = "role IN ('nurse','analyst','steward','admin','agent','auditor')"

account = Table(
    "account", metadata,
    Column("id", ID, primary_key=True),
    Column("centre", ID, ForeignKey("centre.id"), nullable=False),
    Column("name", WORD, nullable=False, unique=True),
    Column("role", WORD, CheckConstraint(_ROLES, "known_role"), nullable=False),
    Column("ward", ID, ForeignKey("ward.id")),
    Column("password", LONG),
    Column("language", WORD),
    Column("created_at", UTC_TIME, nullable=False),
    Column("disabled_at", UTC_TIME),
)  # fmt: skip

login = Table(
    "login", metadata,
    Column("sha256", HASH, primary_key=True),
    Column("account_id", ID, ForeignKey("account.id"), nullable=False, index=True),
    Column("created_at", UTC_TIME, nullable=False),
    Column("seen_at", UTC_TIME, nullable=False),
    Column("ended_at", UTC_TIME),
)  # fmt: skip

token = Table(
    "token", metadata,
    Column("id", ID, primary_key=True),
    Column("account_id", ID, ForeignKey("account.id"), nullable=False, index=True),
    Column("role", WORD, CheckConstraint(_ROLES, "known_role"), nullable=False),
    Column("sha256", HASH, nullable=False, unique=True),
    Column("created_at", UTC_TIME, nullable=False),
    Column("expires_at", UTC_TIME, nullable=False),
    Column("used_at", UTC_TIME),
    Column("revoked_at", UTC_TIME),
)  # fmt: skip
