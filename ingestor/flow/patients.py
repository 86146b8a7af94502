"""Patients added and measured; doses follow in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestor.flow.dosing import recourse, redose
from ingestor.flow.identifying import link_waiting
from ingestor.meaning.linking import normalise_identifier
from ingestor.store import audit, patients, sessions

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from sqlalchemy import Connection

    from ingestor.flow.house import House
    from ingestor.store.audit import Actor


@dataclass(frozen=True, slots=True)
class NewPatient:
    """What is known of a person when he is added. `identifiers` maps a system to a value."""

    sex: str | None = None
    birth_date: date | None = None
    name: str | None = None
    test: bool = False
    identifiers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewMeasurement:
    """A value as a person gives it, in any known unit."""

    kind: str
    value: Decimal
    unit: str
    at: datetime
    source: str = "person"


def add(house: House, connection: Connection, new: NewPatient, actor: Actor) -> str:
    """Add a patient; sessions that wait for one of the identifiers are linked. Return the id.

    Raises:
        Invalid: an identifier belongs to somebody else.
    """
    key = patients.add(
        connection,
        house.centre,
        house.now(),
        sex=new.sex,
        birth_date=new.birth_date,
        name=new.name,
        test=new.test,
    )
    for system, value in new.identifiers.items():
        normalised = normalise_identifier(value, house.settings.identifier_rule)
        patients.add_identifier(connection, house.centre, key, system, value.strip(), normalised)
    audit.record(connection, actor, "add-patient", key)
    link_waiting(house, connection)
    return key


def identify(
    house: House, connection: Connection, patient_id: str, system: str, value: str, actor: Actor
) -> list[str]:
    """Give a patient a further identifier; return the waiting sessions that this links.

    Raises:
        Invalid: the identifier belongs to somebody else.
        NotFound: there is no such patient.
    """
    patients.require(connection, patient_id)
    normalised = normalise_identifier(value, house.settings.identifier_rule)
    patients.add_identifier(connection, house.centre, patient_id, system, value.strip(), normalised)
    audit.record(connection, actor, "identify", patient_id, system=system)
    return link_waiting(house, connection)


def measure(house: House, connection: Connection, patient_id: str, new: NewMeasurement, actor: Actor) -> str:
    """Record a measured value and compute the patient's doses again. Return the measurement's id.

    Raises:
        Invalid: kind, unit or value does not fit.
        NotFound: there is no such patient.
    """
    key = patients.measure(
        connection, patient_id, new.kind, new.value, new.unit, new.at,
        source=new.source, actor=actor.name, now=house.now(),
    )  # fmt: skip
    audit.record(connection, actor, "measure", patient_id, measurement=key, kind=new.kind)
    redose_patient(house, connection, patient_id, "measurement")
    return key


def redose_patient(house: House, connection: Connection, patient_id: str, cause: str) -> list[str]:
    """Compute all doses of a person again, under whichever of his entries the sessions stand; return these."""
    person = patients.survivor(connection, patient_id)
    theirs = sessions.sessions_of(connection, patients.merged_group(connection, person))
    for session_id, _ in theirs:
        redose(house, connection, session_id, cause)
    recourse(house, connection, (person,))
    return [session_id for session_id, _ in theirs]
