"""PostgreSQL, opened so that it behaves as SQLite does: one writer, readers that cannot write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, event, make_url

if TYPE_CHECKING:
    from sqlalchemy import Engine

# How long a writer waits for another one [ms].
WAIT_MS = 10_000
_LONGEST_MS = 60_000
# The key of the lock that the one writer holds until it commits.
_WRITER = 7301


def engines(url: str, pool: dict[str, Any]) -> tuple[Engine, Engine]:
    """Return the engine that writes and the one that only reads."""
    limits = {
        "statement_timeout": _LONGEST_MS, "lock_timeout": WAIT_MS,
        "idle_in_transaction_session_timeout": _LONGEST_MS, "timezone": "UTC",
    }  # fmt: skip
    options: dict[str, Any] = {
        "pool_pre_ping": True, "hide_parameters": True, **pool,
        "connect_args": {"connect_timeout": 3, "options": " ".join(f"-c {k}={v}" for k, v in limits.items())},
    }  # fmt: skip
    full = make_url(url).set(drivername="postgresql+psycopg")
    writer = create_engine(full, **options)
    reader = create_engine(full, isolation_level="REPEATABLE READ", **options)

    @event.listens_for(writer, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")

    @event.listens_for(reader, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    return writer, reader
