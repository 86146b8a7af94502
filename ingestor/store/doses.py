"""Doses as they became known, and the feed of changes. A served row is never edited: it is closed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from ingestor.store.tables import change, dose

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

# Columns that say since when a row holds, not what it says.
KEPT_APART = {"id", "known_from", "known_to"}


def current(connection: Connection, session_id: str, method: str) -> Row[Any] | None:
    """Return the dose that is served for a session now."""
    query = select(dose).where(
        dose.c.session_id == session_id, dose.c.method == method, dose.c.known_to.is_(None)
    )
    return connection.execute(query).one_or_none()


def current_of_patient(connection: Connection, patient_id: str, method: str) -> list[Row[Any]]:
    """Return the doses that are served for one patient's sessions, in order of time."""
    query = (
        select(dose)
        .where(dose.c.patient_id == patient_id, dose.c.method == method, dose.c.known_to.is_(None))
        .order_by(dose.c.started_at, dose.c.session_id)
    )
    return list(connection.execute(query))


def record(connection: Connection, values: dict[str, Any], cause: str, now: datetime) -> tuple[str, ...]:
    """Let these values be the dose of their session from now on; return the fields that changed.

    Args:
        connection: the transaction of whatever caused this.
        values: all columns of the table but the known_from, known_to and id.
        cause: why, for the feed: ingest, link, measurement, reprocess...
        now: the moment.
    """
    before = current(connection, values["session_id"], values["method"])
    fields = changed(dict(before._mapping), values) if before else tuple(sorted(values))
    if not fields:
        return ()
    if before is not None:
        # A clock that was set back must not make a time in which nothing, or two things, were known.
        now = max(now, before.known_from)
        connection.execute(update(dose).where(dose.c.id == before.id).values(known_to=now))
    connection.execute(insert(dose).values(known_from=now, **values))
    kind = "changed" if before else "new"
    announce(connection, values["session_id"], kind, cause, () if before is None else fields, now)
    return fields


def withdraw(connection: Connection, session_id: str, cause: str, now: datetime) -> None:
    """Serve no dose for this session any more: it was joined into another one, or only a held reading is left."""
    since = connection.execute(
        select(func.max(dose.c.known_from)).where(dose.c.session_id == session_id, dose.c.known_to.is_(None))
    ).scalar()
    if since is not None:
        now = max(now, since)
        open_rows = update(dose).where(dose.c.session_id == session_id, dose.c.known_to.is_(None))
        connection.execute(open_rows.values(known_to=now))
        announce(connection, session_id, "withdrawn", cause, (), now)


def announce(
    connection: Connection, session_id: str, kind: str, cause: str, fields: tuple[str, ...], now: datetime
) -> None:
    """Append to the feed of changes."""
    connection.execute(
        insert(change).values(at=now, session_id=session_id, kind=kind, cause=cause, fields=list(fields))
    )


def changed(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the columns that differ, in alphabetical order."""
    return tuple(
        sorted(k for k in after if k not in KEPT_APART and _plain(before.get(k)) != _plain(after[k]))
    )


def _plain(value: Any) -> Any:  # noqa: ANN401
    """Return a value as it compares after a round trip through the database."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value
