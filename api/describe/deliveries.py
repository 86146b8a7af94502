"""The description of the routes that give sessions in other data models."""

from __future__ import annotations

from api.describe.tables import Schema, filters, parameter
from ingestor.exports.fhir.bulk import TYPES
from ingestor.exports.fhir.releases import RELEASES

FHIR_JSON, NDJSON = "application/fhir+json", "application/fhir+ndjson"
_TEXT: Schema = {"type": "string"}
_FILE: Schema = {
    "type": "object",
    "required": ["type", "url", "count"],
    "properties": {"type": _TEXT, "url": _TEXT, "count": {"type": "integer"}},
}
_MANIFEST: Schema = {
    "type": "object",
    "required": ["transactionTime", "request", "requiresAccessToken", "output", "error"],
    "properties": {
        "transactionTime": {"type": "string", "format": "date-time", "description": "As of when the doses were known"},
        "request": _TEXT, "requiresAccessToken": {"type": "boolean"},
        "output": {"type": "array", "items": _FILE}, "deleted": {"type": "array", "items": _FILE},
        "error": {"type": "array", "items": _FILE, "description": "What is left out, and why"},
        "extension": {"type": "object"},
    },
}  # fmt: skip


def release() -> Schema:
    """Return the parameter that chooses a release of FHIR."""
    return parameter("release", {"type": "string", "enum": list(RELEASES), "default": "R4"}, "Of FHIR")


def of_one() -> list[Schema]:
    """Return the parameters of one session's Bundle."""
    as_of = {"type": "string", "format": "date"}
    return [
        release(),
        parameter("as_of", as_of, "As the dose was known at the end of this date, or at this instant"),
    ]


def ordering(kind: str) -> Schema:
    """Return the description of the parameters of an order."""
    own = [
        parameter(
            "snapshot",
            {"type": "string", "minLength": 1, "maxLength": 63},
            "The doses of this data set; no other filter then",
        )
    ]
    if kind == "fhir":
        ndjson = {"type": "string", "enum": list(FORMATS), "default": NDJSON}
        types = {"type": "string", "description": f"Of {', '.join(TYPES)}, separated by commas"}
        own += [
            release(),
            parameter("_outputFormat", ndjson, "Of the files"),
            parameter("_type", types, "Only these resources"),
        ]
    return {"parameters": [*own, *filters()]}


FORMATS = (NDJSON, "application/ndjson", "ndjson", "application/x-ndjson")


def ordered() -> dict[int | str, Schema]:
    """Return the response to an order."""
    body = {"type": "object", "required": ["delivery"], "properties": {"delivery": _TEXT}}
    return {
        202: {
            "description": "Taken; ask at the address of Content-Location how far it is",
            "headers": {"Content-Location": {"schema": _TEXT}},
            "content": {"application/json": {"schema": body}},
        }
    }


def state() -> dict[int | str, Schema]:
    """Return the responses to the question how far a delivery is."""
    progress = {"type": "object", "required": ["sessions"], "properties": {"sessions": {"type": "integer"}}}
    return {
        200: {"description": "Done", "content": {"application/json": {"schema": _MANIFEST}}},
        202: {
            "description": "Not yet; X-Progress says how far, Retry-After when to ask again",
            "content": {"application/json": {"schema": progress}},
        },
    }


def dropped() -> dict[int | str, Schema]:
    """Return the response to a deletion."""
    return {202: {"description": "Deleted"}}


def session_bundle() -> dict[int | str, Schema]:
    """Return the response with a Bundle."""
    schema = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"const": "Bundle"}},
    }
    return {200: {"description": "The Bundle", "content": {FHIR_JSON: {"schema": schema}}}}
