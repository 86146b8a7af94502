"""One session as a Bundle whose references resolve inside it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from ingestor.exports.fhir.codings import OWN
from ingestor.exports.fhir.releases import as_release
from ingestor.exports.fhir.resources import of_treatment

if TYPE_CHECKING:
    from ingestor.exports.concepts import Concepts
    from ingestor.exports.fhir.codings import Json
    from ingestor.exports.treatments import Treatment


def bundle(treatment: Treatment, concepts: Concepts, release: str) -> Json:
    """Return everything of one session. No server has these resources, so they are named by UUIDs of their ids."""
    found = {_name(one): as_release(one, release) for one in of_treatment(treatment, concepts)}
    return {
        "resourceType": "Bundle", "id": treatment.id, "meta": {"lastUpdated": treatment.known_from},
        "identifier": {"system": f"{OWN}:session", "value": treatment.id}, "type": "collection",
        "timestamp": treatment.known_from,
        "entry": [{"fullUrl": _urn(name), "resource": _resolved(one)} for name, one in found.items()],
    }  # fmt: skip


def _name(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _urn(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{OWN}:{name}").urn


def _resolved(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a resource whose references are the addresses of the Bundle's entries."""
    if isinstance(value, list):
        return [_resolved(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _urn(one) if name == "reference" and isinstance(one, str) else _resolved(one)
        for name, one in value.items()
    }
