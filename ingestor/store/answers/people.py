"""Patients as those see them who may see names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from ingestor.store.answers.worklist import identifiers
from ingestor.store.tables import identifier, identity, link, measurement, patient, session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import Connection, Select


def _people(centre: str) -> Select[Any]:
    return (
        select(patient.c.id, patient.c.sex, patient.c.test, identity.c.name, identity.c.birth_date)
        .outerjoin(identity, identity.c.patient_id == patient.c.id)
        .where(patient.c.centre == centre, patient.c.merged_into.is_(None))
    )


def search(
    connection: Connection, centre: str, words: str, born: date | None = None, limit: int = 30
) -> list[dict[str, Any]]:
    """Return patients whose name or identifier holds `words`, or who were born on a day; all if both are empty.

    Args:
        connection: a reading transaction.
        centre: of which centre.
        words: part of a name or an identifier, upper and lower case alike.
        born: the date of birth.
        limit: at most this many, by name.
    """
    query = _people(centre)
    if born is not None:
        query = query.where(identity.c.birth_date == born)
    elif words:
        part = words.lower()
        known = select(identifier.c.patient_id).where(
            identifier.c.centre == centre, func.lower(identifier.c.value).contains(part, autoescape=True)
        )
        named = func.lower(identity.c.name).contains(part, autoescape=True)
        query = query.where(or_(named, patient.c.id.in_(known)))
    rows = connection.execute(query.order_by(func.lower(identity.c.name), patient.c.id).limit(limit))
    return _complete(connection, [dict(row._mapping) for row in rows])


def by_id(connection: Connection, centre: str, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return some patients by their id."""
    query = (
        select(patient.c.id, patient.c.sex, patient.c.test, identity.c.name, identity.c.birth_date)
        .outerjoin(identity, identity.c.patient_id == patient.c.id)
        .where(patient.c.centre == centre, patient.c.id.in_(keys))
    )
    rows = _complete(connection, [dict(row._mapping) for row in connection.execute(query)])
    return {row["id"]: row for row in rows}


def _complete(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add identifiers, and how many sessions there are and when the last one was."""
    keys = {row["id"] for row in rows}
    known = identifiers(connection, keys)
    tally = (
        select(session.c.patient_id, func.count().label("n"), func.max(session.c.started_at).label("last"))
        .where(session.c.patient_id.in_(keys), session.c.joined_into.is_(None))
        .group_by(session.c.patient_id)
    )
    counted = {row.patient_id: row for row in connection.execute(tally)}
    for row in rows:
        one = counted.get(row["id"])
        row["identifiers"] = known.get(row["id"], [])
        row["sessions"], row["last"] = (one.n, one.last) if one else (0, None)
    return rows


def measurements(connection: Connection, patient_id: str) -> list[dict[str, Any]]:
    """Return a patient's measurements, newest first."""
    query = (
        select(measurement)
        .where(measurement.c.patient_id == patient_id, measurement.c.revoked_at.is_(None))
        .order_by(measurement.c.at.desc(), measurement.c.recorded_at.desc())
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def link_history(connection: Connection, session_id: str) -> list[dict[str, Any]]:
    """Return every link and unlink of a session with the names concerned, oldest first."""
    query = (
        select(link, identity.c.name)
        .outerjoin(identity, identity.c.patient_id == link.c.patient_id)
        .where(link.c.session_id == session_id)
        .order_by(link.c.number)
    )
    return [dict(row._mapping) for row in connection.execute(query)]


def systems(connection: Connection, centre: str) -> list[str]:
    """Return the kinds of identifiers in use, the commonest first."""
    query = (
        select(identifier.c.system)
        .where(identifier.c.centre == centre)
        .group_by(identifier.c.system)
        .order_by(func.count().desc(), identifier.c.system)
    )
    return list(connection.execute(query).scalars())
