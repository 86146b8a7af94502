"""Columns: when and with whom they were used, the last used first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select

from ingestor.store.tables import column_use, device, dose, identity, revision, run, session

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

_PIECE = 400


def columns(
    connection: Connection, centre: str, before: datetime | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], datetime | None]:
    """Return columns, the last used first, and from where the list goes on (None: there are no more).

    Args:
        connection: a reading transaction.
        centre: of which centre.
        before: only columns whose last use began before this moment, for the next page.
        limit: so many at least, if there are so many; columns last used together stay together.
    """
    count = _PIECE
    while True:
        uses = _uses(connection, centre, before, count)
        last, end = _latest(uses, _used_since(connection, centre, before, uses), limit)
        if end is not None or len(uses) < count:
            return _counted(connection, centre, last), end
        count *= 4


def _latest(
    uses: Sequence[Row[Any]], known: set[str], limit: int
) -> tuple[dict[str, datetime], datetime | None]:
    """Return the last use of each column but those `known`, and where to go on."""
    last: dict[str, datetime] = {}
    end = None
    for use in uses:
        if len(last) >= limit and use.started_at != end:
            return last, end
        if use.serial not in last and use.serial not in known:
            last[use.serial] = end = use.started_at
    return last, None


def search(
    connection: Connection, centre: str, words: str, limit: int = 100
) -> list[dict[str, Any]]:  # fmt: skip
    """Return columns whose serial number holds `words`, upper and lower case alike, the last used first."""
    query = (
        select(column_use.c.serial)
        .where(func.lower(column_use.c.serial).contains(words.lower(), autoescape=True))
        .distinct()
        .order_by(column_use.c.serial)
        .limit(limit)
    )
    found = list(connection.execute(query).scalars())
    last = {row["serial"]: row["last"] for row in totals(connection, centre, found)}
    return _counted(connection, centre, dict(sorted(last.items(), key=lambda one: one[1], reverse=True)))


def totals(
    connection: Connection, centre: str, serials: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """Return columns with their uses, patients and last use; all if none is named.

    `shared` tells whether a column that must stay with one patient had several.
    """
    patients = func.count(func.distinct(session.c.patient_id))
    query = (
        _of_readings(centre)
        .with_only_columns(
            column_use.c.serial, func.max(column_use.c.product).label("product"),
            func.count(func.distinct(run.c.session_id)).label("uses"), patients.label("patients"),
            func.max(run.c.started_at).label("last"),
            func.max(case((column_use.c.regenerable.is_(False), 0), else_=1)).label("regenerable"),
        )
        .group_by(column_use.c.serial)
    )  # fmt: skip
    if serials is not None:
        query = query.where(column_use.c.serial.in_(serials))
    rows = [dict(row._mapping) for row in connection.execute(query)]
    return [row | {"shared": row["patients"] > 1 and bool(row["regenerable"])} for row in rows]


def uses_of(connection: Connection, centre: str, serial: str) -> list[dict[str, Any]]:
    """Return every use of a column, newest first."""
    query = (
        select(
            column_use, run.c.session_id, run.c.started_at, session.c.patient_id, identity.c.name,
            dose.c.started_local, dose.c.processed_plasma_ml, dose.c.cycles_completed, device.c.model,
            device.c.serial.label("device_serial"),
        )
        .join(revision, and_(revision.c.id == column_use.c.revision_id, revision.c.state == "current"))
        .join(run, run.c.id == revision.c.run_id)
        .join(device, device.c.id == run.c.device_id)
        .join(session, session.c.id == run.c.session_id)
        .outerjoin(identity, identity.c.patient_id == session.c.patient_id)
        .outerjoin(dose, and_(dose.c.session_id == session.c.id, dose.c.known_to.is_(None)))
        .where(run.c.centre == centre, column_use.c.serial == serial)
        .order_by(run.c.started_at.desc(), column_use.c.position)
    )  # fmt: skip
    return [dict(row._mapping) for row in connection.execute(query)]


def _of_readings(centre: str) -> Select[Any]:
    return (
        select(column_use)
        .join(revision, and_(revision.c.id == column_use.c.revision_id, revision.c.state == "current"))
        .join(run, run.c.id == revision.c.run_id)
        .join(session, session.c.id == run.c.session_id)
        .where(session.c.centre == centre, column_use.c.serial != "")
    )


def _uses(connection: Connection, centre: str, before: datetime | None, count: int) -> list[Row[Any]]:
    """Return so many uses of columns, newest first."""
    query = (
        _of_readings(centre)
        .with_only_columns(column_use.c.serial, session.c.started_at)
        .order_by(session.c.started_at.desc(), session.c.id.desc(), column_use.c.position)
        .limit(count)
    )
    if before:
        query = query.where(session.c.started_at < before)
    return list(connection.execute(query))


def _used_since(
    connection: Connection, centre: str, before: datetime | None, uses: Sequence[Row[Any]]
) -> set[str]:
    """Return those of these columns that stood on an earlier page."""
    if before is None:
        return set()
    query = _of_readings(centre).with_only_columns(column_use.c.serial).distinct()
    query = query.where(column_use.c.serial.in_({use.serial for use in uses}), session.c.started_at >= before)
    return set(connection.execute(query).scalars())


def _counted(connection: Connection, centre: str, last: dict[str, datetime]) -> list[dict[str, Any]]:
    by_serial = {row["serial"]: row for row in totals(connection, centre, last)}
    return [by_serial[serial] for serial in last]
