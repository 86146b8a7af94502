"""The figures of a dose as Observations: values with UCUM units, or why there is none."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ingestor.exports.codes import codes
from ingestor.exports.fhir.codings import (
    ABSENT,
    CATEGORY,
    FIGURE,
    LOINC,
    OWN,
    STATUS,
    UCUM,
    coding,
    concept,
    reason,
    reference,
)
from ingestor.exports.observed import LOWER_BOUNDS, READINGS, WITHHELD, Figure, figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestor.exports.concepts import Concepts
    from ingestor.exports.fhir.codings import Json
    from ingestor.exports.treatments import Treatment

# A withheld value is registered: it is known that there will be one, but not yet which.
STATUSES = {"final": "final", "provisional": "preliminary", "withheld": "preliminary"}
_CODED = {
    "processed_plasma_reading": "reading",
    "agreement": "agreement",
    "plasma_volume_formula": "plasma_volume_formula",
}


def key(treatment: Treatment, slug: str) -> str:
    """Return the id of an Observation of a session."""
    return f"{treatment.id}-{slug}"


def observations(treatment: Treatment, concepts: Concepts) -> Iterator[Json]:
    """Yield one Observation for the status of a dose and one for each of its numbers, present or absent."""
    shared = _shared(treatment)
    inputs = {one["kind"]: one["at"] for one in treatment.detail.get("inputs", ())}
    yield _status(treatment, shared, concepts)
    for figure in figures():
        yield _figure(treatment, figure, _of_input(shared, figure, inputs), concepts)


def _of_input(shared: dict[str, Any], figure: Figure, inputs: dict[str, str | None]) -> dict[str, Any]:
    """Return what is said of an input: it was measured at a time of its own, and not by this machine or method."""
    if figure.input is None:
        return shared
    at = inputs.get(figure.input)
    when = shared["when"] if at is None else {"effectiveDateTime": at.replace("+00:00", "Z")}
    return shared | {"when": when, "tail": {"issued": shared["tail"]["issued"]}}


def _shared(treatment: Treatment) -> dict[str, Any]:
    """Return what all Observations of a session have in common."""
    dose = treatment.dose
    period = {"start": dose["started_at"], **({"end": dose["ended_at"]} if dose["ended_at"] else {})}
    assert treatment.patient is not None  # noqa: S101 - `why_left_out` has seen to it
    return {
        "head": {"meta": {"lastUpdated": treatment.known_from}, "partOf": [reference("Procedure", treatment.id)]},
        "status": STATUSES[dose["status"]], "subject": reference("Patient", treatment.patient.id),
        "when": {"effectivePeriod": period},
        "tail": {
            "issued": treatment.known_from, "device": reference("Device", dose["device"]),
            "method": concept(coding(f"{OWN}:method", dose["method"])),
        },
    }  # fmt: skip


def _status(treatment: Treatment, shared: dict[str, Any], concepts: Concepts) -> Json:
    dose = treatment.dose
    found = {
        "resourceType": "Observation", "id": key(treatment, "status"), **shared["head"], "status": shared["status"],
        "category": _category("procedure"), "code": _code("status", "Whether the dose may be used", concepts),
        "subject": shared["subject"], **shared["when"], **shared["tail"],
        "valueCodeableConcept": concept(_own_code(STATUS, "dose_status", dose["status"])),
    }  # fmt: skip
    if dose["status_reasons"]:
        about = concept(coding(FIGURE, "status_reasons", "Reason for the status"))
        found["component"] = [
            {"code": about, "valueCodeableConcept": concept(reason(code))} for code in dose["status_reasons"]
        ]
    return found


def _figure(treatment: Treatment, figure: Figure, shared: dict[str, Any], concepts: Concepts) -> Json:
    dose, value = treatment.dose, treatment.dose[figure.name]
    withheld = dose["status"] == "withheld" and value is None and figure.name in WITHHELD
    found = {
        "resourceType": "Observation", "id": key(treatment, figure.slug), **shared["head"],
        "status": "registered" if withheld else shared["status"], "category": _category(figure.category),
        "code": _figure_code(figure, concepts), "subject": shared["subject"],
        **shared["when"], **shared["tail"],
    }  # fmt: skip
    if value is None:
        found["dataAbsentReason"] = _absent(treatment, figure.name, withheld=withheld)
    else:
        found["valueQuantity"] = _quantity(treatment, figure, value)
    parts = [_component(name, dose[name]) for name in figure.coded if dose[name] is not None]
    if parts:
        found["component"] = parts
    if figure.name == "processed_plasma_ml":
        found["derivedFrom"] = [
            reference("Observation", key(treatment, name.replace("_", "-"))) for name in READINGS
        ]
    return found


def _quantity(treatment: Treatment, figure: Figure, value: float) -> Json:
    least = (
        {"comparator": ">="} if figure.name in LOWER_BOUNDS and treatment.detail.get("lower_bound") else {}
    )
    return {"value": value, **least, "unit": figure.unit, "system": UCUM, "code": figure.unit}


def _absent(treatment: Treatment, name: str, *, withheld: bool) -> Json:
    why = treatment.detail.get("missing", {}).get(name)
    general = coding(ABSENT, "temp-unknown" if withheld else "unknown")
    return concept(general, *([reason(why)] if why else []))


def _component(name: str, value: str) -> Json:
    return {
        "code": concept(coding(FIGURE, name)),
        "valueCodeableConcept": concept(_own_code(f"{OWN}:{name.replace('_', '-')}", _CODED[name], value)),
    }


@cache
def _category(code: str) -> list[Json]:
    return [concept(coding(CATEGORY, code))]


def _code(name: str, display: str, concepts: Concepts) -> Json:
    return concept(coding(FIGURE, name, display), *concepts.codings("measurement", name))


def _figure_code(figure: Figure, concepts: Concepts) -> Json:
    public = [coding(LOINC, *figure.loinc)] if figure.loinc else []
    return concept(
        *public, coding(FIGURE, figure.name, figure.display), *concepts.codings("measurement", figure.name)
    )


def _own_code(system: str, code_list: str, code: str) -> Json:
    words = codes(code_list).get(code)
    return coding(system, code, words["en"] if words else None)
