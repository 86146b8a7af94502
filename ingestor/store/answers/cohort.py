"""Served doses of many sessions as a few numbers each, for drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Float, extract, select, type_coerce

from ingestor.store.tables import dose, patient

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Point:
    """One session: year and month on the machine's clock, plasma [mL], multiple of the plasma volume."""

    year: int
    month: int
    plasma: float
    multiple: float | None
    formula: str | None


def points(
    connection: Connection, centre: str, start: datetime | None, end: datetime | None, device: str | None
) -> list[Point]:
    """Return the final and provisional doses that have a volume."""
    query = select(
        extract("year", dose.c.started_local), extract("month", dose.c.started_local),
        type_coerce(dose.c.processed_plasma_ml, Float), type_coerce(dose.c.pv_multiple, Float),
        dose.c.plasma_volume_formula,
    ).where(
        dose.c.centre == centre, dose.c.known_to.is_(None), dose.c.status.in_(("final", "provisional")),
        dose.c.processed_plasma_ml.is_not(None),
    )  # fmt: skip
    if start:
        query = query.where(dose.c.started_at >= start)
    if end:
        query = query.where(dose.c.started_at < end)
    if device:
        query = query.where(dose.c.device == device)
    return [Point(*row) for row in connection.execute(query)]


def patient_ids(connection: Connection, centre: str) -> list[str]:
    """Return the ids of all patients of a centre, to find the one behind a pseudonym."""
    return list(connection.execute(select(patient.c.id).where(patient.c.centre == centre)).scalars())
