"""Patients by id, for those who turn pseudonyms back, and courses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from ingestor.store.tables import patient

if TYPE_CHECKING:
    from sqlalchemy import Connection


def ids(connection: Connection, centre: str) -> list[str]:
    """Return the ids of all patients of a centre."""
    return list(connection.execute(select(patient.c.id).where(patient.c.centre == centre)).scalars())
