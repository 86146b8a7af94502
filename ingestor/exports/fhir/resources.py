"""Patient, Device, Procedure and Provenance of a session, as R4 has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestor.exports.fhir import observations
from ingestor.exports.fhir.codings import (
    ALTERATION,
    OWN,
    PARTICIPANT,
    REASON,
    SNOMED,
    coding,
    concept,
    reference,
)
from ingestor.exports.observed import figures
from ingestor.ids import derived

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ingestor.exports.concepts import Concepts
    from ingestor.exports.fhir.codings import Json
    from ingestor.exports.treatments import Patient, Treatment
    from ingestor.store.answers.treatments import Machine

_GENDERS = {"female": "female", "male": "male", None: "unknown"}
_NOT_TOLD = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
    ]
}
_KINDS = {"machine": "Apheresis machine", "column": "Adsorber column", "driver": "Reader of a file format"}
_EMPTY = ("", None)


def of_treatment(treatment: Treatment, concepts: Concepts) -> Iterator[Json]:
    """Yield all resources of a session: Patient, Devices, Procedure, Observations, Provenance.

    Args:
        treatment: of a patient; what `why_left_out` leaves out has no place here.
        concepts: codes that the site has added.
    """
    assert treatment.patient is not None  # noqa: S101 - see above
    yield patient(treatment.patient)
    yield from devices(treatment, concepts)
    yield procedure(treatment, concepts)
    yield from observations.observations(treatment, concepts)
    yield provenance(treatment)


def patient(one: Patient) -> Json:
    """Return a patient: pseudonym, sex, year of birth; of the very old not even that."""
    security = [coding(ALTERATION, "PSEUDED", "pseudonymized")]
    if one.test:
        security.append(coding(REASON, "HTEST", "test health data"))
    found: Json = {
        "resourceType": "Patient", "id": one.id, "meta": {"security": security},
        "identifier": [{"system": f"{OWN}:pseudonym", "value": one.id}], "gender": _GENDERS[one.sex],
    }  # fmt: skip
    if one.oldest:
        found["_birthDate"] = _NOT_TOLD
    elif one.birth_year is not None:
        found["birthDate"] = f"{one.birth_year:04d}"
    return found


def devices(treatment: Treatment, concepts: Concepts) -> Iterator[Json]:
    """Yield machines, columns and the driver that read the file."""
    for machine in treatment.machines:
        yield _machine(machine, concepts)
    for column in treatment.columns:
        yield _column(treatment, column, concepts)
    yield _driver(treatment)


def column_id(treatment: Treatment, column: Mapping[str, Any]) -> str:
    """Return the id of a column: the same in all its sessions where it has a serial number."""
    if column["serial"]:
        return derived("col", column["product"], column["serial"])
    place = f"{column['position']}|{column['sequence']}"
    return derived("col", treatment.id, column["run"], place)


def driver_id(treatment: Treatment) -> str:
    """Return the id of the driver in its version."""
    return derived("drv", treatment.dose["driver"], treatment.dose["driver_version"])


def _machine(machine: Machine, concepts: Concepts) -> Json:
    return _device("machine", machine.id, machine.model, concepts) | _given(
        manufacturer=machine.maker, modelNumber=machine.model, serialNumber=machine.serial
    )


def _column(treatment: Treatment, column: Mapping[str, Any], concepts: Concepts) -> Json:
    return _device("column", column_id(treatment, column), column["product"], concepts) | _given(
        lotNumber=column["lot"], modelNumber=column["product"], serialNumber=column["serial"]
    )


def _driver(treatment: Treatment) -> Json:
    dose = treatment.dose
    found = _device("driver", driver_id(treatment), dose["driver"], None)
    return found | {"version": [{"value": dose["driver_version"]}]}


def _device(kind: str, key: str, name: str, concepts: Concepts | None) -> Json:
    added = concepts.codings("device", name) if concepts else []
    return {
        "resourceType": "Device", "id": key, "identifier": [{"system": f"{OWN}:device", "value": key}],
        **({"deviceName": [{"name": name, "type": "model-name"}]} if name else {}),
        "type": concept(coding(f"{OWN}:device-kind", kind, _KINDS[kind]), *added, text=name or None),
    }  # fmt: skip


def _given(**values: str | None) -> Json:
    return {name: value for name, value in values.items() if value not in _EMPTY}


def procedure(treatment: Treatment, concepts: Concepts) -> Json:
    """Return the session itself. A record that was cut off does not tell how the treatment ended."""
    dose = treatment.dose
    assert treatment.patient is not None  # noqa: S101 - as above
    used = [m.id for m in treatment.machines] + [column_id(treatment, c) for c in treatment.columns]
    return {
        "resourceType": "Procedure", "id": treatment.id, "meta": {"lastUpdated": treatment.known_from},
        "extension": _extensions(treatment),
        "identifier": [{"system": f"{OWN}:session", "value": treatment.id}],
        "status": "completed" if dose["complete"] else "unknown",
        "category": concept(coding(SNOMED, "277132007", "Therapeutic procedure (procedure)")),
        "code": concept(
            coding(f"{OWN}:procedure", "immunoadsorption", "Immunoadsorption"),
            coding(SNOMED, "127788007", "Apheresis (procedure)"),
            *concepts.codings("procedure", "immunoadsorption"), text="Immunoadsorption",
        ),
        "subject": reference("Patient", treatment.patient.id),
        "performedPeriod": {"start": dose["started_at"], **({"end": dose["ended_at"]} if dose["ended_at"] else {})},
        "usedReference": [reference("Device", key) for key in dict.fromkeys(used)],
    }  # fmt: skip


def _extensions(treatment: Treatment) -> list[Json]:
    """Return what R4 has no place for: the wall clock of the machine, and the number of the course."""
    found = [{"url": f"{OWN}:started-local", "valueString": treatment.dose["started_local"]}]
    if treatment.dose["course"] is not None:
        found.append({"url": f"{OWN}:course", "valueString": treatment.dose["course"]})
    return found


def provenance(treatment: Treatment) -> Json:
    """Return where a session's numbers come from: files, driver, method."""
    dose = treatment.dose
    made = ["status", *(f.slug for f in figures())]
    targets = [reference("Procedure", treatment.id)]
    targets += [reference("Observation", observations.key(treatment, slug)) for slug in made]
    sources = [
        {"role": "source", "what": {"identifier": {"system": f"{OWN}:source-sha256", "value": sha256}}}
        for sha256 in dose["sources"]
    ]
    return {
        "resourceType": "Provenance", "id": f"{treatment.id}-provenance", "target": targets,
        "recorded": treatment.known_from, "policy": [f"{OWN}:method:{dose['method']}"],
        "agent": [
            {
                "type": concept(coding(PARTICIPANT, "assembler", "Assembler")),
                "who": reference("Device", driver_id(treatment)),
            }
        ],
        **({"entity": sources} if sources else {}),
    }  # fmt: skip


def left_out(session: str, why: str) -> Json:
    """Return what says that a session is not among the resources, and why."""
    issue = {
        "severity": "information", "code": "business-rule",
        "details": concept(coding(f"{OWN}:exclusion", why)), "diagnostics": session,
    }  # fmt: skip
    return {"resourceType": "OperationOutcome", "id": f"{session}-left-out", "issue": [issue]}
