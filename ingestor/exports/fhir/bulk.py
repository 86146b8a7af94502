"""Many sessions as files with one resource a line, as the bulk data interface of FHIR has them.

Source: HL7 FHIR Bulk Data Access (Flat FHIR) 2.0.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pydantic_core

from ingestor.exports.fhir.releases import as_release
from ingestor.exports.fhir.resources import left_out, of_treatment
from ingestor.exports.treatments import why_left_out

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ingestor.exports.concepts import Concepts
    from ingestor.exports.treatments import Treatment

TYPES = ("Patient", "Device", "Procedure", "Observation", "Provenance")
LEFT_OUT = "OperationOutcome"
_SHARED = {"Patient", "Device"}


def lines(
    pieces: Iterable[list[Treatment]], concepts: Concepts, release: str, types: Collection[str] = TYPES
) -> Iterator[tuple[str, list[bytes]]]:
    """Yield (type, lines) piece by piece. Only the ids of patients and devices seen before are kept in memory.

    Args:
        pieces: the sessions.
        concepts: codes that the site has added.
        release: `R4` or `R5`.
        types: only these; what is left out is told in any case.
    """
    seen: set[str] = set()
    for piece in pieces:
        found: dict[str, list[bytes]] = {name: [] for name in (*TYPES, LEFT_OUT)}
        for treatment in piece:
            why = why_left_out(treatment)
            if why is not None:
                found[LEFT_OUT].append(_line(left_out(treatment.id, why)))
                continue
            for resource in of_treatment(treatment, concepts):
                kind = resource["resourceType"]
                if kind not in types or (kind in _SHARED and resource["id"] in seen):
                    continue
                if kind in _SHARED:
                    seen.add(resource["id"])
                found[kind].append(_line(as_release(resource, release)))
        yield from ((kind, some) for kind, some in found.items() if some)


def _line(resource: dict[str, object]) -> bytes:
    return pydantic_core.to_json(resource) + b"\n"
