"""One session as rows of the tables: visit, procedure, devices, measurements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ingestor.exports.observed import LOWER_BOUNDS, figures
from ingestor.exports.omop.layout import printed
from ingestor.exports.treatments import OLDEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from ingestor.exports.concepts import Concepts
    from ingestor.exports.observed import Figure
    from ingestor.exports.treatments import Patient, Treatment

Row = dict[str, Any]
# Concepts of OMOP's own vocabularies that are part of the model itself.
# Source: OMOP CDM 5.4, person, measurement, cdm_source.
GENDERS = {"male": 8507, "female": 8532, None: 0}
PROCEDURE_FIELD, AT_LEAST, VERSION_5_4 = 1147082, 4171755, 756265
PROCEDURE = "immunoadsorption"
CARE_SITE = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session stands in the tables, and when it was by the machine's clock."""

    person: int
    visit: int
    start: datetime
    end: datetime | None

    @property
    def last(self) -> datetime:
        """Return the end, or the start where the end is not known: a visit must have one."""
        return self.end or self.start


@dataclass(frozen=True, slots=True)
class Meaning:
    """What codes mean and in which zone the site is."""

    concepts: Concepts
    zone: ZoneInfo

    def of(self, kind: str, code: str) -> int:
        """Return a concept; 0 where the site has named none."""
        return self.concepts.of(kind, code).id

    @property
    def type(self) -> int:
        """Return the concept of where records come from."""
        return self.of("type", "session")


def wall_clock(treatment: Treatment) -> tuple[datetime, datetime | None]:
    """Return start and end by the machine's clock; the end is as far from the start as it was."""
    dose = treatment.dose
    start = datetime.fromisoformat(dose["started_local"])
    if dose["ended_at"] is None:
        return start, None
    return start, start + (
        datetime.fromisoformat(dose["ended_at"]) - datetime.fromisoformat(dose["started_at"])
    )


def person(one: Patient, number: int) -> Row:
    """Return a person; those of 90 and more share one age."""
    assert one.birth_year is not None  # noqa: S101 - who has none is left out
    return {
        "person_id": number, "gender_concept_id": GENDERS[one.sex],
        "year_of_birth": one.last_year - OLDEST if one.oldest else one.birth_year,
        "race_concept_id": 0, "ethnicity_concept_id": 0, "care_site_id": CARE_SITE,
        "person_source_value": one.id, "gender_source_value": one.sex,
    }  # fmt: skip


def visit(treatment: Treatment, place: Place, meaning: Meaning) -> Row:
    """Return the visit that every session is."""
    return {
        "visit_occurrence_id": place.visit, "person_id": place.person,
        "visit_concept_id": meaning.of("visit", "session"),
        "visit_start_date": place.start.date(), "visit_start_datetime": place.start.isoformat(),
        "visit_end_date": place.last.date(), "visit_end_datetime": _iso(place.end),
        "visit_type_concept_id": meaning.type, "care_site_id": CARE_SITE, "visit_source_value": treatment.id,
    }  # fmt: skip


def procedure(treatment: Treatment, place: Place, meaning: Meaning) -> Row:
    """Return the treatment itself."""
    return {
        "procedure_occurrence_id": place.visit, "person_id": place.person,
        "procedure_concept_id": meaning.of("procedure", PROCEDURE),
        "procedure_date": place.start.date(), "procedure_datetime": place.start.isoformat(),
        "procedure_end_date": place.end.date() if place.end else None, "procedure_end_datetime": _iso(place.end),
        "procedure_type_concept_id": meaning.type, "modifier_source_value": treatment.dose["status"],
        "visit_occurrence_id": place.visit, "procedure_source_value": PROCEDURE,
    }  # fmt: skip


def used(treatment: Treatment) -> Iterator[tuple[str, str | None]]:
    """Yield name and number of machines, then columns."""
    for machine in treatment.machines:
        yield machine.model, machine.serial
    for column in treatment.columns:
        yield column["product"], column["serial"] or column["lot"]


def devices(treatment: Treatment, place: Place, meaning: Meaning) -> Iterator[Row]:
    """Yield machines and columns, without their numbers in the table."""
    for name, number in used(treatment):
        yield {
            "person_id": place.person, "device_concept_id": meaning.of("device", name),
            "device_exposure_start_date": place.start.date(), "device_exposure_start_datetime": place.start.isoformat(),
            "device_exposure_end_date": place.last.date(), "device_exposure_end_datetime": _iso(place.end),
            "device_type_concept_id": meaning.type, "production_id": printed(number, 255),
            "visit_occurrence_id": place.visit, "device_source_value": printed(name),
        }  # fmt: skip


def measurements(treatment: Treatment, place: Place, meaning: Meaning) -> Iterator[Row]:
    """Yield the status and every number of a dose that there is, without their numbers in the table."""
    shared = {
        "person_id": place.person, "measurement_type_concept_id": meaning.type,
        "visit_occurrence_id": place.visit, "measurement_event_id": place.visit,
        "meas_event_field_concept_id": PROCEDURE_FIELD,
    }  # fmt: skip
    dose, at = treatment.dose, _at(place.start)
    status = {"value_as_concept_id": meaning.of("status", dose["status"])}
    yield shared | at | _value("status", None, None, dose["status"], meaning) | status
    inputs = {one["kind"]: one["at"] for one in treatment.detail.get("inputs", ())}
    least = treatment.detail.get("lower_bound")
    for figure in figures():
        value = dose[figure.name]
        if value is None:
            continue
        measured = inputs.get(figure.input)
        when = at if measured is None else _at(datetime.fromisoformat(measured).astimezone(meaning.zone))
        found = shared | when | _value(figure.name, figure.unit, value, _text(treatment, figure), meaning)
        if least and figure.name in LOWER_BOUNDS:
            found["operator_concept_id"] = AT_LEAST
        yield found


def _value(name: str, unit: str | None, value: float | None, text: str, meaning: Meaning) -> Row:
    return {
        "measurement_concept_id": meaning.of("measurement", name), "operator_concept_id": None,
        "value_as_number": value, "value_as_concept_id": None, "unit_concept_id": None if unit is None else meaning.of("unit", unit),
        "measurement_source_value": name, "unit_source_value": unit, "value_source_value": text,
    }  # fmt: skip


def _text(treatment: Treatment, figure: Figure) -> str:
    """Return what a number cannot be read without: which reading it is, or by which formula; else itself."""
    said = treatment.dose[figure.coded[0]] if figure.coded else None
    return str(treatment.dose[figure.name] if said is None else said)


def _at(moment: datetime) -> Row:
    plain = moment.replace(tzinfo=None)
    return {"measurement_date": plain.date(), "measurement_datetime": plain.isoformat()}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
