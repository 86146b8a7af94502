"""Doses with all that other data models want to know beside them: what was used, on whom, known since when.

Everything comes from rows that are never edited: doses with their detail as they were known at a moment, machines and
persons as they were registered. The same question of the same moment has the same answer for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select, text

from ingestor.store.answers.doses import conditions, known
from ingestor.store.tables import DOSE_COLUMNS, device, dose, patient

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from ingestor.store.answers.doses import Wanted

_DOSE = ", ".join("dose.patient_id" if name == "patient" else f"dose.{name}" for name in DOSE_COLUMNS)
Place = tuple["datetime", str]


@dataclass(frozen=True, slots=True)
class Found:
    """One dose.

    Attributes:
        row: raw, the columns as `DOSE_COLUMNS` but the patient's id for `patient`.
        detail: what it was computed from.
        known_from: since when it was served.
        place: after which the next piece begins.
    """

    row: Sequence[Any]
    detail: dict[str, Any]
    known_from: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class Person:
    """A patient without a name.

    Attributes:
        last: start of the last session whose dose was known at that moment.
    """

    sex: str | None
    birth_year: int | None
    test: bool
    last: datetime


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as it was registered."""

    id: str
    maker: str
    model: str
    serial: str


def rows(connection: Connection, wanted: Wanted, limit: int, after: Place | None = None) -> list[Found]:
    """Return doses by start and session, at most `limit` of them.

    Args:
        connection: a reading transaction.
        wanted: the filter, with its moment.
        limit: at most so many.
        after: the place of the last one before.
    """
    start, key = dose.c.started_at, dose.c.session_id
    # Raw columns first: `ingestor.exports.plain` knows what to make of them.
    query = (
        select(text(_DOSE), dose.c.detail, dose.c.known_from, start.label("start_"), key.label("key_"))
        .select_from(dose)
        .where(conditions(wanted))
        .order_by(start, key)
        .limit(limit)
    )
    if after is not None:
        at, last = after
        query = query.where(or_(start > at, (start == at) & (key > last)))
    width = len(DOSE_COLUMNS)
    return [
        Found(found[:width], found[width], found[width + 1], (found[width + 2], found[width + 3]))
        for found in map(tuple, connection.execute(query))
    ]


def persons(connection: Connection, keys: Collection[str], as_of: datetime | None) -> dict[str, Person]:
    """Return what is known of some patients, and when their last session was."""
    last = (
        select(dose.c.patient_id, func.max(dose.c.started_at).label("last"))
        .where(dose.c.patient_id.in_(keys), known(as_of))
        .group_by(dose.c.patient_id)
        .subquery()
    )
    query = select(patient.c.id, patient.c.sex, patient.c.birth_year, patient.c.test, last.c.last).join(
        last, last.c.patient_id == patient.c.id
    )
    return {key: Person(*facts) for key, *facts in map(tuple, connection.execute(query))}


def machines(connection: Connection, keys: Collection[str]) -> dict[str, Machine]:
    """Return some machines by their id."""
    query = select(device.c.id, device.c.maker, device.c.model, device.c.serial).where(device.c.id.in_(keys))
    return {row.id: Machine(*row) for row in connection.execute(query)}
