"""Patients by id, for those who turn pseudonyms back, and what they were treated with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from ingestor.store.privacy import open_to_research
from ingestor.store.tables import dose, patient, session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row


@dataclass(frozen=True, slots=True)
class Treated:
    """A patient without a name, and the current doses by start."""

    id: str
    sex: str | None
    birth_year: int | None
    doses: Sequence[Row[Any]]


def ids(connection: Connection, centre: str) -> list[str]:
    """Return the ids of all patients of a centre."""
    return list(connection.execute(select(patient.c.id).where(patient.c.centre == centre)).scalars())


def treated(connection: Connection, centre: str, key: str, ward: str | None = None) -> Treated | None:
    """Return a patient with the doses that are served now; None where there is none."""
    query = select(patient).where(patient.c.id == key, patient.c.centre == centre)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    served = (
        select(dose)
        .join(session, session.c.id == dose.c.session_id)
        .where(dose.c.patient_id == key, dose.c.known_to.is_(None), open_to_research(dose.c.patient_id))
        .order_by(dose.c.started_at, dose.c.session_id)
    )
    if ward is not None:
        served = served.where(or_(session.c.ward == ward, session.c.ward.is_(None)))
    return Treated(row.id, row.sex, row.birth_year, connection.execute(served).all())
