"""Codes and the systems they belong to. A public code stands only where that system really has the thing.

Source: HL7 FHIR R4 (4.0.1), terminologies; SNOMED CT 127788007 and 277132007, LOINC 29463-7, 8302-2 and 20570-8.
Neither SNOMED CT nor LOINC has immunoadsorption or plasma processed by it: those carry codes of our own, and what a
site adds to them in its map of concepts.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ingestor.phrases import catalogue, phrase

Json = dict[str, Any]
OWN = "urn:apherelog"
SNOMED, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"
_HL7 = "http://terminology.hl7.org/CodeSystem"
CATEGORY, ABSENT = f"{_HL7}/observation-category", f"{_HL7}/data-absent-reason"
PARTICIPANT, ALTERATION, REASON = (
    f"{_HL7}/provenance-participant-type",
    f"{_HL7}/v3-ObservationValue",
    f"{_HL7}/v3-ActReason",
)
FIGURE, STATUS, ABOUT = f"{OWN}:figure", f"{OWN}:dose-status", f"{OWN}:reason"


def coding(system: str, code: str, display: str | None = None) -> Json:
    """Return one code of a system."""
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(*codings: Json, text: str | None = None) -> Json:
    """Return a concept from its codes, the most exact first."""
    return {"coding": list(codings), **({"text": text} if text else {})}


def reason(code: str) -> Json:
    """Return a reason code of ours with its English words."""
    return coding(ABOUT, code, happened(code))


@cache
def happened(code: str) -> str | None:
    """Return what a code says in English, without the advice; None for a code without words."""
    return phrase(code, "en")["happened"] if code in catalogue() else None


def reference(kind: str, key: str) -> Json:
    """Return a reference to a resource of the same export."""
    return {"reference": f"{kind}/{key}"}
