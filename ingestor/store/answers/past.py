"""What earlier sessions tell about whose a new one may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select

from ingestor.store.tables import column_use, identifier, revision, run, session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

Past = tuple[str, str, "datetime", tuple[tuple[str, bool | None], ...]]


def linked_sessions(
    connection: Connection, centre: str, start: datetime, end: datetime, columns: Sequence[str], but: str = ""
) -> list[Past]:
    """Return linked sessions within a time or with one of these columns: (patient, session, start, columns).

    Args:
        connection: a reading transaction.
        centre: of which centre.
        start: of the time.
        end: of the time.
        columns: serial numbers.
        but: a session to leave out.
    """
    used = (
        select(run.c.session_id)
        .join(revision, and_(revision.c.run_id == run.c.id, revision.c.state == "current"))
        .join(column_use, column_use.c.revision_id == revision.c.id)
        .where(column_use.c.serial.in_(columns))
    )
    near = and_(session.c.started_at >= start, session.c.started_at <= end)
    query = select(session.c.patient_id, session.c.id, session.c.started_at).where(
        session.c.centre == centre, session.c.patient_id.is_not(None), session.c.joined_into.is_(None),
        session.c.id != but, or_(near, session.c.id.in_(used)),
    )  # fmt: skip
    rows = list(connection.execute(query))
    known = columns_of(connection, [row.id for row in rows])
    return [(row.patient_id, row.id, row.started_at, known.get(row.id, ())) for row in rows]


def columns_of(
    connection: Connection, sessions: Sequence[str]
) -> dict[str, tuple[tuple[str, bool | None], ...]]:
    """Return (serial, regenerable) of the columns of some sessions."""
    query = (
        select(run.c.session_id, column_use.c.serial, column_use.c.regenerable)
        .join(revision, and_(revision.c.run_id == run.c.id, revision.c.state == "current"))
        .join(column_use, column_use.c.revision_id == revision.c.id)
        .where(run.c.session_id.in_(sessions), column_use.c.serial != "")
        .distinct()
    )
    found: dict[str, tuple[tuple[str, bool | None], ...]] = {}
    for row in connection.execute(query):
        found[row.session_id] = (*found.get(row.session_id, ()), (row.serial, row.regenerable))
    return found


def known_identifiers(
    connection: Connection, centre: str
) -> list[tuple[str, str, str, datetime | None, datetime | None]]:
    """Return (patient, system, value, valid from, valid to) of a centre."""
    columns = (
        identifier.c.patient_id, identifier.c.system, identifier.c.value, identifier.c.valid_from,
        identifier.c.valid_to,
    )  # fmt: skip
    query = select(*columns).where(identifier.c.centre == centre).order_by(identifier.c.id)
    return [tuple(row) for row in connection.execute(query)]
