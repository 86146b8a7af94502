"""Schemas of receipts and of the bodies in which files are handed in."""

from __future__ import annotations

from api.describe.tables import Schema, ok, parameter
from api.filters import LIMIT, MOST

STATUSES = ("queued", "preview", "stored", "duplicate", "superseded", "held", "waiting", "refused")
_TEXTS: Schema = {"type": "object", "properties": {"de": {"type": "string"}, "en": {"type": "string"}}}
_COUNTS = ("read", "stored", "held", "duplicate", "ignored")
RECEIPT: Schema = {
    "type": "object",
    "required": ["source", "members", "submission", "status", "run_statuses", "code", "runs", "sessions", "rows"],
    "properties": {
        "source": {"type": ["string", "null"], "description": "SHA-256 of the source"},
        "members": {"type": "array", "items": {"type": "object"}},
        "submission": {"type": ["string", "null"]},
        "status": {"type": "string", "enum": list(STATUSES)},
        "run_statuses": {"type": "array", "items": {"type": "string", "enum": list(STATUSES)}},
        "code": {"type": "string", "description": "See /v1/codes"},
        "message": _TEXTS,
        "driver": {"type": ["object", "null"]},
        "runs": {"type": "array", "items": {"type": "string"}},
        "sessions": {"type": "array", "items": {"type": "string"}},
        "rows": {
            "type": "object", "required": list(_COUNTS), "properties": {c: {"type": "integer"} for c in _COUNTS},
            "description": "read = stored + held + duplicate + ignored",
        },
        "findings": {"type": "array", "items": {"type": "object"}},
    },
}  # fmt: skip


def receipts(below: int = 500) -> dict[int | str, Schema]:
    """Return the responses of a route that answers with receipts; only those with a status `below`."""
    about = {
        200: "Already known, or understood without counting", 201: "Stored",
        202: "Waiting for a companion, or still being read", 409: "Held for a decision",
        422: "Not read; the receipt says why",
    }  # fmt: skip
    schema = {"oneOf": [RECEIPT, {"type": "array", "items": RECEIPT}]}
    return {
        status: {"description": text, "content": {"application/json": {"schema": schema}}}
        for status, text in about.items()
        if status < below
    }


def upload() -> Schema:
    """Return the description of the bodies and parameters of an upload."""
    name = {
        "name": "X-Filename",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Name of the file, percent-encoded UTF-8",
    }
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "maxLength": 200},
        "description": "The same key is the same submission, however often it is sent",
    }
    form = {
        "type": "object",
        "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
    }
    return {
        "parameters": [
            name, key,
            parameter("preview", {"type": "boolean", "default": False}, "Understand without letting it count"),
            parameter("zone", {"type": "string"}, "Zone of the machine's clock, if the file has none"),
            parameter("driver", {"type": "string"}, "Ask this driver only"),
            parameter("note", {"type": "string"}, "A remark for whoever looks at it later"),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                "multipart/form-data": {"schema": form},
            },
        },
    }  # fmt: skip


def imports() -> Schema:
    """Return the description of the list of submissions."""
    limit = parameter(
        "limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}, "At most so many"
    )
    status = parameter("status", {"type": "string", "enum": list(STATUSES)}, "Only in this state", many=True)
    listed_receipts = {"type": "object", "properties": {"items": {"type": "array", "items": RECEIPT}}}
    return {"parameters": [limit, status], "responses": ok(listed_receipts)}
