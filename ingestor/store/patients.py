"""Patients, their identifiers and measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from ingestor.errors import Invalid, NotFound
from ingestor.ids import fresh
from ingestor.model import Measurement, Person
from ingestor.quantity import FACTS, convert
from ingestor.store.tables import identifier, identity, measurement, patient, session

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from sqlalchemy import Connection, Row


def add(
    connection: Connection,
    centre_id: str,
    now: datetime,
    *,
    sex: str | None = None,
    birth_date: date | None = None,
    name: str | None = None,
    test: bool = False,
) -> str:
    """Add a patient and return the id, which is random and says nothing about the person."""
    key = fresh("pat")
    connection.execute(
        insert(patient).values(
            id=key, centre=centre_id, sex=sex, birth_year=birth_date.year if birth_date else None,
            test=test, created_at=now,
        )
    )  # fmt: skip
    connection.execute(insert(identity).values(patient_id=key, birth_date=birth_date, name=name))
    return key


def add_identifier(
    connection: Connection, centre_id: str, patient_id: str, system: str, value: str, normalised: str
) -> str:
    """Give a patient an identifier.

    Raises:
        Invalid: the identifier already belongs to somebody else.
    """
    taken = connection.execute(
        select(identifier.c.patient_id).where(
            identifier.c.centre == centre_id, identifier.c.system == system,
            identifier.c.normalised == normalised, identifier.c.valid_to.is_(None),
        )
    ).scalar()  # fmt: skip
    if taken == patient_id:
        return str(taken)
    if taken is not None:
        raise Invalid("identifier_taken")
    key = fresh("idn")
    connection.execute(
        insert(identifier).values(
            id=key, centre=centre_id, patient_id=patient_id, system=system, value=value, normalised=normalised
        )
    )
    return key


def measure(  # noqa: PLR0913 - one argument a column
    connection: Connection,
    patient_id: str,
    kind: str,
    value: Decimal,
    unit: str,
    at: datetime,
    *,
    source: str,
    actor: str,
    now: datetime,
) -> str:
    """Record a measured value in the canonical unit of its kind.

    Raises:
        Invalid: the kind or the unit is unknown, or the value cannot be believed.
        NotFound: there is no such patient.
    """
    quantity = FACTS.get(kind)
    if quantity is None:
        raise Invalid("unknown_measurement", kind=kind, known=", ".join(FACTS))
    canonical = convert(value, unit, quantity.unit)
    if canonical is None:
        raise Invalid("unknown_unit", unit=unit, expected=quantity.unit)
    if quantity.range and not quantity.range.hard[0] <= canonical <= quantity.range.hard[1]:
        raise Invalid("unbelievable_value", kind=kind, value=str(value), unit=unit)
    require(connection, patient_id)
    key = fresh("mea")
    connection.execute(
        insert(measurement).values(
            id=key, patient_id=patient_id, kind=kind, value=canonical, unit=quantity.unit, at=at,
            source=source, actor=actor, recorded_at=now,
        )
    )  # fmt: skip
    return key


def require(connection: Connection, patient_id: str) -> Row[Any]:
    """Return a patient's row.

    Raises:
        NotFound: there is no such patient.
    """
    row = connection.execute(select(patient).where(patient.c.id == patient_id)).one_or_none()
    if row is None:
        raise NotFound("no_such_patient")
    return row


def survivor(connection: Connection, patient_id: str) -> str:
    """Return the patient that this one was merged into, or itself."""
    row = require(connection, patient_id)
    return survivor(connection, row.merged_into) if row.merged_into else patient_id


def merged_group(connection: Connection, patient_id: str) -> list[str]:
    """Return the patient and everybody merged into it."""
    found = [patient_id]
    for key in found:
        found += connection.execute(select(patient.c.id).where(patient.c.merged_into == key)).scalars()
    return found


def person(connection: Connection, patient_id: str) -> Person:
    """Return what a dose needs to know of a patient."""
    row = require(connection, survivor(connection, patient_id))
    query = (
        select(measurement)
        .where(
            measurement.c.patient_id.in_(merged_group(connection, row.id)), measurement.c.revoked_at.is_(None)
        )
        .order_by(measurement.c.at, measurement.c.recorded_at, measurement.c.id)
    )
    measured = tuple(Measurement(m.kind, m.value, m.unit, m.at, m.source) for m in connection.execute(query))
    return Person(row.id, row.sex, row.birth_year, measured)


def revoke_measurement(connection: Connection, key: str, now: datetime) -> str:
    """Take a measurement back; return the patient's id.

    Raises:
        NotFound: there is none, or it was taken back before.
    """
    query = select(measurement.c.patient_id).where(
        measurement.c.id == key, measurement.c.revoked_at.is_(None)
    )
    patient_id = connection.execute(query).scalar()
    if patient_id is None:
        raise NotFound("no_such_measurement")
    connection.execute(update(measurement).where(measurement.c.id == key).values(revoked_at=now))
    return str(patient_id)


def set_merged(connection: Connection, patient_id: str, into: str | None) -> None:
    """Let one patient stand for another, or take that back."""
    connection.execute(update(patient).where(patient.c.id == patient_id).values(merged_into=into))


def with_identifier(
    connection: Connection, centre_id: str, normalised: str
) -> list[tuple[str, str, str, datetime | None, datetime | None]]:
    """Return (patient, system, value, valid from, valid to) of everybody who ever had this identifier."""
    query = select(identifier).where(identifier.c.centre == centre_id, identifier.c.normalised == normalised)
    return [
        (row.patient_id, row.system, row.value, row.valid_from, row.valid_to)
        for row in connection.execute(query.order_by(identifier.c.id))
    ]


def all_identifiers(connection: Connection, centre_id: str) -> list[tuple[str, str, str, str]]:
    """Return (patient, system, value, normalised) of a centre; for ranking candidates and for lists."""
    columns = (identifier.c.patient_id, identifier.c.system, identifier.c.value, identifier.c.normalised)
    query = (
        select(*columns)
        .where(identifier.c.centre == centre_id)
        .order_by(identifier.c.patient_id, identifier.c.id)
    )
    return [tuple(row) for row in connection.execute(query)]


def find(connection: Connection, centre_id: str, system: str, normalised: str) -> str | None:
    """Return the patient with this identifier in this system."""
    query = select(identifier.c.patient_id).where(
        identifier.c.centre == centre_id, identifier.c.system == system, identifier.c.normalised == normalised
    )
    key = connection.execute(query).scalar()
    return survivor(connection, key) if key else None


def has_measurement(connection: Connection, patient_id: str, kind: str, at: datetime) -> bool:
    """Tell whether a value of this kind at this time is on file."""
    query = select(measurement.c.id).where(
        measurement.c.patient_id == patient_id, measurement.c.kind == kind, measurement.c.at == at,
        measurement.c.revoked_at.is_(None),
    )  # fmt: skip
    return connection.execute(query).first() is not None


def listing(connection: Connection, centre_id: str) -> list[dict[str, Any]]:
    """Return every patient of a centre that stands for himself, with identifiers and number of sessions."""
    counts = (
        select(session.c.patient_id, func.count().label("n"))
        .where(session.c.joined_into.is_(None))
        .group_by(session.c.patient_id)
        .subquery()
    )
    query = (
        select(
            patient, identity.c.name, identity.c.birth_date, func.coalesce(counts.c.n, 0).label("sessions")
        )
        .outerjoin(identity, identity.c.patient_id == patient.c.id)
        .outerjoin(counts, counts.c.patient_id == patient.c.id)
        .where(patient.c.centre == centre_id, patient.c.merged_into.is_(None))
        .order_by(patient.c.created_at, patient.c.id)
    )
    names: dict[str, list[dict[str, str]]] = {}
    for key, system, value, _ in all_identifiers(connection, centre_id):
        names.setdefault(key, []).append({"system": system, "value": value})
    return [
        {
            "patient": r.id, "sex": r.sex, "birth_date": r.birth_date, "name": r.name, "test": r.test,
            "sessions": r.sessions, "identifiers": names.get(r.id, []),
        }
        for r in connection.execute(query)
    ]  # fmt: skip
