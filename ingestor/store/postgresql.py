"""PostgreSQL, opened so that it behaves as SQLite does: one writer, readers that cannot write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, event, make_url, text

from ingestor.errors import SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Engine

# How long a writer waits for another one [ms].
WAIT_MS = 10_000
_LONGEST_MS = 60_000
# The key of the lock that the one writer holds until it commits.
_WRITER = 7301
# The role in which veiled connections read: row level security shows it no row of an identity.
ROLE = "apherelog_analyst"


def engines(url: str, pool: dict[str, Any]) -> tuple[Engine, Engine, Engine]:
    """Return the engine that writes, the one that only reads, and one that reads no identities.

    Raises:
        SettingsError: `postgres_missing`.
    """
    try:
        import psycopg  # noqa: F401 - told in words before SQLAlchemy wants it
    except ModuleNotFoundError:
        raise SettingsError("postgres_missing") from None
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
    veiled = create_engine(full, isolation_level="REPEATABLE READ", **options)

    @event.listens_for(writer, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")

    @event.listens_for(reader, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")

    _veil(veiled)
    return writer, reader, veiled


def _veil(engine: Engine) -> None:
    role: list[bool] = []

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        if not role:
            role.append(has_role(connection))
        if role[0]:
            connection.exec_driver_sql(f"SET LOCAL ROLE {ROLE}")


def has_role(connection: Connection) -> bool:
    """Tell whether the role of veiled connections is there, ours to take, and may read."""
    query = (
        "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = :role AND pg_has_role(current_user, oid, 'MEMBER')"
        " AND has_table_privilege(oid, 'dose', 'SELECT'))"
    )
    return bool(connection.execute(text(query), {"role": ROLE}).scalar())


def make_role(connection: Connection) -> None:
    """Make the role of veiled connections, or give it again what it needs. The user must be allowed to make roles."""
    for statement in (
        f"DO $$ BEGIN CREATE ROLE {ROLE} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"GRANT {ROLE} TO CURRENT_USER",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {ROLE}",
    ):
        connection.exec_driver_sql(statement)
