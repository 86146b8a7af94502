"""Schemas and parameters made from the columns and filters that routes really use."""

from __future__ import annotations

from typing import Any

from api.filters import EQUAL, LIMIT, MOST, OTHERS
from ingestor.exports.codes import codes
from ingestor.exports.fields import Field, tables
from ingestor.store.answers.doses import RANGES, SORTS

Schema = dict[str, Any]
_TYPES: dict[str, Schema] = {
    "text": {"type": "string"}, "number": {"type": "number"}, "count": {"type": "integer"},
    "instant": {"type": "string", "format": "date-time"}, "local": {"type": "string"},
    "boolean": {"type": "boolean"}, "list": {"type": "array", "items": {"type": "string"}},
}  # fmt: skip
_ALWAYS = {"session_id", "started_at", "run_id"}
_EXAMPLES: dict[str, Any] = {
    "session_id": "ses-ze2fyazjtgd6rxwr", "patient": "ps-w3khs2bq7x5h2ohx2u5dlb6yqaa", "course": "1",
    "started_at": "2026-11-01T07:15:00Z", "ended_at": "2026-11-01T11:20:00Z", "status": "final",
    "started_local": "2026-11-01T08:15:00", "status_reasons": [], "processed_plasma_ml": 6543.0,
    "processed_plasma_reading": "reported", "reported_ml": 6543.0, "cycles_ml": 6540.5, "agreement": "agreed",
    "max_disagreement": 0.0004, "pv_multiple": 2.31, "plasma_volume_formula": "nadler", "complete": True,
    "device_model": "TC-2", "device_serial": "AM-0003", "role": "adsorber", "evidence": "declared",
    "cycles_completed": 12, "cycles_aborted": 0, "method": "ia-dose/1", "time_method": "zone",
}  # fmt: skip


def _nullable(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}


def _column(field: Field) -> Schema:
    schema = dict(_TYPES[field.kind])
    if field.codes in {"dose_status", "reading", "agreement", "role", "evidence", "priority", "time_method"}:
        schema["enum"] = list(codes(field.codes))
    if field.name not in _ALWAYS:
        schema = _nullable(schema)
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    schema["description"] = field.en + (f" [{field.unit}]" if field.unit else "")
    return schema


def row(table: str) -> Schema:
    """Return the schema of one row of a table."""
    fields = tables()[table]
    return {
        "type": "object",
        "required": [f.name for f in fields],
        "properties": {f.name: _column(f) for f in fields},
        "example": {f.name: _EXAMPLES.get(f.name) for f in fields},
    }


def items(schema: Schema) -> Schema:
    """Return the schema of a page of rows."""
    return {
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": {"type": "array", "items": schema},
            "next": {"type": ["string", "null"], "description": "Address of the next page"},
            "count": {"type": "integer", "description": "All rows of the filter, if `count=true`"},
        },
    }


def ok(schema: Schema, description: str = "As asked") -> Schema:
    """Return the `responses` of a route that answers 200 with JSON of this schema."""
    return {"200": {"description": description, "content": {"application/json": {"schema": schema}}}}


def unchanged() -> Schema:
    """Return the response to a conditional request for what has not changed."""
    return {"304": {"description": "Nothing has changed since the ETag that was sent"}}


def parameter(name: str, schema: Schema, description: str, *, many: bool = False) -> Schema:
    """Return one query parameter."""
    found: Schema = {"name": name, "in": "query", "required": False, "description": description}
    if many:
        return found | {"schema": {"type": "array", "items": schema, "maxItems": 100}, "explode": True}
    return found | {"schema": schema}


def filters() -> list[Schema]:
    """Return the parameters of the filter that lists and exports share."""
    text: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
    found = []
    for name, code_list in (EQUAL | OTHERS).items():
        schema = text if code_list is None else {"type": "string", "enum": list(codes(code_list))}
        found.append(
            parameter(name, schema, _ABOUT.get(name, f"Only this {name.replace('_', ' ')}"), many=True)
        )
    when = {"type": "string", "format": "date"}
    found += [
        parameter("from", when, "Sessions that began at this date (or instant) or later"),
        parameter("to", when, "Sessions that began until the end of this date, or before this instant"),
        parameter("as_of", when, "Doses as they were known at the end of this date, or at this instant"),
        parameter("complete", {"type": "boolean"}, "Only complete records, or only incomplete ones"),
        parameter("linked", {"type": "boolean"}, "Only sessions with a patient, or only those without"),
    ]
    for name in RANGES:
        found += [
            parameter(
                f"{name}_{end}",
                {"type": "number", "minimum": -1e9, "maximum": 1e9},
                f"{word} `{name}`, included",
            )
            for end, word in (("min", "Least"), ("max", "Greatest"))
        ]
    return found


_ABOUT = {
    "patient": "Only this patient, by pseudonym", "column": "A column of this product or serial number was used",
    "alarm": "An alarm of this kind occurred", "reason": "The status has this reason",
    "session": "Only this session",
}  # fmt: skip


def paging(sorts: tuple[str, ...] = SORTS) -> list[Schema]:
    """Return the parameters by which a list is walked."""
    orders = [sign + name for name in sorts for sign in ("", "-")]
    return [
        parameter(
            "sort",
            {"type": "string", "enum": orders},
            "Order; - is descending; rows without a value come last",
        ),
        parameter(
            "limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}, "Rows a page"
        ),
        parameter("cursor", {"type": "string"}, "From `next` of the page before, as it is"),
        parameter("count", {"type": "boolean", "default": False}, "Count all rows of the filter as well"),
    ]


def listed(table: str, sorts: tuple[str, ...] = SORTS) -> Schema:
    """Return the description of a filtered list of a table's rows."""
    return {"parameters": [*filters(), *paging(sorts)], "responses": ok(items(row(table))) | unchanged()}


def names(table: str) -> tuple[str, ...]:
    """Return the column names of a table."""
    return tuple(field.name for field in tables()[table])
