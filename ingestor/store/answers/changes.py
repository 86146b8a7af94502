"""The feed of what changed in what is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from ingestor.store.tables import change, dose, session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection


def since(
    connection: Connection, centre: str, after: int, limit: int, *, start: datetime | None = None
) -> Sequence[Any]:
    """Return changes by number: seq, at, session_id, kind, cause, fields.

    Args:
        connection: a reading transaction.
        centre: whose.
        after: only later numbers.
        limit: at most so many.
        start: only changes since then.
    """
    query = (
        select(change)
        .join(session, session.c.id == change.c.session_id)
        .where(session.c.centre == centre, change.c.seq > after)
        .order_by(change.c.seq)
        .limit(limit)
    )
    if start is not None:
        query = query.where(change.c.at >= start)
    return connection.execute(query).all()


def newest(connection: Connection) -> int:
    """Return the number of the newest change of all."""
    return int(connection.execute(select(func.max(change.c.seq))).scalar() or 0)


def sessions_since(connection: Connection, after: int, limit: int) -> list[str]:
    """Return the sessions of the changes with later numbers, at most so many."""
    query = select(change.c.session_id).where(change.c.seq > after).distinct().limit(limit)
    return list(connection.execute(query).scalars())


def between(
    connection: Connection, centre: str, start: datetime, end: datetime | None = None
) -> dict[str, list[Any]]:
    """Return changes after `start` until `end` by session: at, kind, cause, fields, oldest first."""
    query = (
        select(change.c.session_id, change.c.at, change.c.kind, change.c.cause, change.c.fields)
        .join(session, session.c.id == change.c.session_id)
        .where(session.c.centre == centre, change.c.at > start)
        .order_by(change.c.seq)
    )
    if end is not None:
        query = query.where(change.c.at <= end)
    found: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.session_id, []).append(row)
    return found


def years_since(connection: Connection, centre: str, after: int) -> set[int]:
    """Return the years (UTC) in which sessions began whose doses changed after number `after`, as they were and are."""
    query = (
        select(dose.c.started_at)
        .join(change, change.c.session_id == dose.c.session_id)
        .where(dose.c.centre == centre, change.c.seq > after)
        .distinct()
    )
    found = connection.execution_options(yield_per=10_000).execute(query)
    return {started_at.year for (started_at,) in found}
