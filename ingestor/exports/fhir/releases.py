"""The releases of FHIR: resources are made as R4 has them, and become those of R5 by what has changed since.

Source: HL7 FHIR R5 (5.0.0), "Detailed changes since R4" of Procedure and Device; Patient, Observation, Provenance and
OperationOutcome are the same in every field that is used here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestor.exports.fhir.codings import Json

RELEASES = ("R4", "R5")
VERSIONS = {"R4": "4.0.1", "R5": "5.0.0"}


def as_release(resource: Json, release: str) -> Json:
    """Return a resource of R4 as that of another release."""
    change = _CHANGES.get(resource["resourceType"]) if release == "R5" else None
    return resource if change is None else change(dict(resource))


def _procedure(resource: Json) -> Json:
    resource["category"] = [resource["category"]]
    resource["occurrencePeriod"] = resource.pop("performedPeriod")
    resource["used"] = [{"reference": one} for one in resource.pop("usedReference")]
    return resource


def _device(resource: Json) -> Json:
    names = resource.pop("deviceName", [])
    if names:
        # R5 has no "model-name" any more; the model stands in `modelNumber`.
        resource["name"] = [{"value": one["name"], "type": "user-friendly-name"} for one in names]
    resource["type"] = [resource["type"]]
    return resource


_CHANGES: dict[str, Callable[[Json], Json]] = {"Procedure": _procedure, "Device": _device}
