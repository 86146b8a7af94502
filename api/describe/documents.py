"""Schemas of the answers that are no rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.describe.tables import Schema, filters, items, ok, paging, parameter, row, unchanged
from ingestor.exports.codes import codes
from ingestor.exports.files import FORMATS
from ingestor.phrases import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

_ANY_ITEMS: Schema = {"type": "array", "items": {"type": "object"}}


def of_session() -> dict[int | str, Schema]:
    """Return the response with a whole session."""
    kinds = ("runs", "cycles", "alarms", "events", "columns", "findings")
    properties: Schema = {"session": {"type": "object"}, **dict.fromkeys(kinds, _ANY_ITEMS)}
    properties["column_warnings"] = _ANY_ITEMS
    properties["dose"] = {"oneOf": [row("doses"), {"type": "null"}]}
    return _answer({"type": "object", "required": list(properties), "properties": properties})


def decided(body: type[BaseModel]) -> dict[str, Any]:
    """Return the description of a route that takes a person's decision as JSON."""
    schema = body.model_json_schema()
    return {
        "responses": any_document(),
        "openapi_extra": {
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}
        },
    }


def rows_of_session() -> dict[int | str, Schema]:
    """Return the response with one kind of rows of a session."""
    return _answer({"type": "object", "required": ["items"], "properties": {"items": _ANY_ITEMS}})


def dose_of_session() -> dict[int | str, Schema]:
    """Return the response with a dose and what it was computed from."""
    schema = row("doses")
    return _answer(schema | {"properties": schema["properties"] | {"detail": {"type": "object"}}})


def evidence() -> dict[int | str, Schema]:
    """Return the response with the places of a dose in its files."""
    place = {
        "run": {"type": "string"}, "source": {"type": ["string", "null"]}, "line": {"type": "integer"},
        "about": {"type": "string"}, "printed": {"type": "string"}, "value": {"type": ["number", "null"]},
        "unit": {"type": "string"}, "text": {"type": ["string", "null"], "description": "The raw line"},
    }  # fmt: skip
    reading = {
        "type": "object",
        "properties": {
            "value_ml": {"type": ["number", "null"]},
            "facts": {"type": "array", "items": {"type": "object", "properties": place}},
        },
    }
    readings = dict.fromkeys(("reported", "cycles", "counter", "integrated"), reading)
    return _answer({
        "type": "object",
        "properties": {
            "session_id": {"type": "string"}, "method": {"type": ["string", "null"]},
            "served": {"type": "object"}, "readings": {"type": "object", "properties": readings},
            "figures": {"type": "object", "additionalProperties": {"type": "object"}},
            "inputs": _ANY_ITEMS, "missing": {"type": "object"}, "sources": _ANY_ITEMS,
        },
    })  # fmt: skip


def trace() -> dict[int | str, Schema]:
    """Return the response with samples."""
    numbers: Schema = {"type": "array", "items": {"type": ["number", "null"]}}
    channel = {
        "channel": {"type": "string"}, "unit": {"type": "string"}, "printed_unit": {"type": "string"},
        "decimals": {"type": "integer"}, "values": numbers,
    }  # fmt: skip
    run = {
        "run": {"type": "string"}, "samples": {"type": "integer"}, "time_ms": numbers, "line": numbers,
        "elapsed_s": {"type": ["array", "null"], "items": {"type": "number"}},
        "channels": {"type": "array", "items": {"type": "object", "properties": channel}}, "states": _ANY_ITEMS,
    }  # fmt: skip
    runs = {"type": "array", "items": {"type": "object", "properties": run}}
    return _answer({"type": "object", "properties": {"session_id": {"type": "string"}, "runs": runs}})


def trace_parameters() -> list[Schema]:
    """Return the parameters that limit channels, time and the number of rows."""
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    when = {"type": "string", "format": "date-time"}
    count = {"type": "integer", "minimum": 1, "maximum": 100_000}
    return [
        parameter("channel", text, "Only this channel; all by default", many=True),
        parameter("from", when, "Only samples of this instant or later"),
        parameter("to", when, "Only samples before this instant"),
        parameter(
            "stretches", count, "Least and greatest of each channel in so many equal stretches of time"
        ),
    ]


def walking() -> list[Schema]:
    """Return the parameters by which a list without filters is walked."""
    return [p for p in paging(()) if p["name"] in {"limit", "cursor"}]


def _answer(schema: Schema) -> dict[int | str, Schema]:
    return {int(status): about for status, about in (ok(schema) | unchanged()).items()}


def _listing(properties: Schema) -> dict[int | str, Schema]:
    return _answer(items({"type": "object", "properties": properties}))


def devices() -> dict[int | str, Schema]:
    """Return the response with machines."""
    texts = {n: {"type": "string"} for n in ("id", "maker", "model", "serial", "role", "first_seen")}
    lists = {n: {"type": "array", "items": {"type": "string"}} for n in ("software", "drivers")}
    maybe = {n: {"type": ["string", "null"]} for n in ("zone", "ward", "last_session_at")}
    return _listing(texts | maybe | lists | {"bench": {"type": "boolean"}, "sessions": {"type": "integer"}})


def columns() -> dict[int | str, Schema]:
    """Return the response with columns."""
    texts = {n: {"type": "string"} for n in ("serial", "product", "lot", "first_used_at", "last_used_at")}
    counts = {n: {"type": "integer"} for n in ("sessions", "patients")}
    return _listing(texts | counts | {"highest_use_printed": {"type": ["integer", "null"]}})


def alarms() -> dict[int | str, Schema]:
    """Return the response with alarms."""
    return _answer(items(row("alarms")))


def alarm_parameters() -> list[Schema]:
    """Return the parameters of the list of alarms."""
    own = [
        parameter(
            name, {"type": "string", "enum": list(codes(code_list))}, f"Only alarms of this {name}", many=True
        )
        for name, code_list in (("kind", "alarm_kind"), ("priority", "priority"))
    ]
    return [*filters(), *own, *walking()]


def courses() -> dict[int | str, Schema]:
    """Return the response with the courses of a patient."""
    one = {
        "number": {"type": "integer"}, "started": {"type": "string"}, "ended": {"type": "string"},
        "sessions": _ANY_ITEMS, "left_out": {"type": "array", "items": {"type": "string"}},
        "processed_plasma_ml": {"type": "number"}, "pv_multiple": {"type": ["number", "null"]},
        "formula": {"type": ["string", "null"]}, "lower_bound": {"type": "boolean"},
    }  # fmt: skip
    return _answer({
        "type": "object",
        "properties": {
            "patient": {"type": "string"}, "sex": {"type": ["string", "null"]},
            "age": {"type": ["string", "null"], "description": "At the first session; 90+ is not told apart"},
            "courses": {"type": "array", "items": {"type": "object", "properties": one}},
        },
    })  # fmt: skip


def changes() -> dict[int | str, Schema]:
    """Return the response with the feed of changes."""
    texts = {n: {"type": "string"} for n in ("at", "session_id", "kind", "cause")}
    fields: Schema = {"type": "array", "items": {"type": "string"}}
    return _listing({"seq": {"type": "integer"}, **texts, "fields": fields})


def change_parameters() -> list[Schema]:
    """Return the parameters of the feed of changes."""
    return [
        parameter("after", {"type": "integer", "minimum": 0}, "Only changes with a greater number"),
        parameter("since", {"type": "string", "format": "date"}, "Only changes since this date or instant"),
        next(p for p in walking() if p["name"] == "limit"),
    ]


def code_lists() -> dict[int | str, Schema]:
    """Return the response with lists of codes."""
    words = {"type": "object", "properties": {"de": {"type": "string"}, "en": {"type": "string"}}}
    codes_of_one: Schema = {"type": "object", "additionalProperties": words}
    return _answer({"type": "object", "additionalProperties": codes_of_one})


def exported(suffixes: Iterable[str]) -> Schema:
    """Return the description of the parameters of an export."""
    suffix = {
        "name": "suffix", "in": "path", "required": True, "schema": {"type": "string", "enum": list(suffixes)},
    }  # fmt: skip
    return {"parameters": [suffix, *filters()]}


def files() -> dict[int | str, Schema]:
    """Return the response with a file in any of the formats."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    kinds = {one.media_type.split(";")[0]: binary for one in FORMATS.values()}
    return {200: {"description": "The file; it ends early only if the connection does", "content": kinds}}


def codebook_parameters() -> list[Schema]:
    """Return the parameter of the codebook."""
    return [
        parameter("language", {"type": "string", "enum": list(LANGUAGES), "default": "en"}, "Of the texts")
    ]


def markdown() -> dict[int | str, Schema]:
    """Return the response with a page of text."""
    return {200: {"description": "The page", "content": {"text/markdown": {"schema": {"type": "string"}}}}}


def pack() -> dict[int | str, Schema]:
    """Return the response with an evidence pack."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": "The pack", "content": {"application/zip": binary}}}


def snapshot_list() -> dict[int | str, Schema]:
    """Return the response with the list of data sets."""
    texts = {n: {"type": "string"} for n in ("name", "created_at", "as_of", "sha256")}
    pairs: Schema = {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}
    return {
        int(s): about
        for s, about in ok(items({"type": "object", "properties": texts | {"filter": pairs}})).items()
    }


def any_document() -> dict[int | str, Schema]:
    """Return the response with a document that has a description of its own."""
    return {int(status): about for status, about in ok({"type": "object"}).items()}


def any_file() -> dict[int | str, Schema]:
    """Return the response with a file of any kind."""
    return {
        200: {
            "description": "The file",
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    }


def exclusions() -> dict[int | str, Schema]:
    """Return the response with what a filter leaves out."""
    names = ("sessions", "without_dose", "included", "lower_bounds", "without_plasma", "without_multiple")
    counts: Schema = {n: {"type": "integer"} for n in names}
    tables: Schema = {
        n: {"type": "object", "additionalProperties": {"type": "integer"}}
        for n in ("filtered", "statuses", "reasons")
    }
    tables["filtered"]["description"] = "Doses that each part of the filter leaves out by itself"
    return _answer({"type": "object", "required": [*counts, *tables], "properties": counts | tables})


def methods() -> dict[int | str, Schema]:
    """Return the response with definition sheets."""
    words: Schema = {"type": "object", "required": list(LANGUAGES)}
    words["properties"] = {language: {"type": "string"} for language in LANGUAGES}
    term = {
        "term": words, "definition": words, "columns": {"type": "array", "items": {"type": "string"}},
    }  # fmt: skip
    terms = {"type": "array", "items": {"type": "object", "properties": term}}
    return _listing({"method": {"type": "string"}, "title": words, "terms": terms})
