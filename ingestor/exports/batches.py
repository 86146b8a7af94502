"""Rows as Arrow: one schema a table, with unit and meaning in the metadata of each field."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestor.exports.fields import Field, tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(), "number": pa.float64(), "count": pa.int64(), "boolean": pa.bool_(),
    "instant": pa.timestamp("ms", "UTC"), "local": pa.timestamp("ms"), "date": pa.date32(),
    "list": pa.list_(pa.string()),
}  # fmt: skip


@cache
def schema(table: str) -> pa.Schema:
    """Return the columns of a table with their units and meanings."""
    return pa.schema([pa.field(f.name, _TYPES[f.kind], metadata=_about(f)) for f in tables()[table]])


def _about(field: Field) -> dict[str, str]:
    about = {"de": field.de, "en": field.en}
    return about | ({"unit": field.unit} if field.unit else {})


def batches(table: str, pages: Iterable[Sequence[tuple[Any, ...]]]) -> Iterator[pa.RecordBatch]:
    """Turn pages of raw rows into record batches; a page without rows makes none."""
    fields = tables()[table]
    for page in pages:
        if page:
            columns = zip(*page, strict=True)
            arrays = [_array(f, values) for f, values in zip(fields, columns, strict=True)]
            yield pa.record_batch(arrays, schema=schema(table))


def _array(field: Field, values: tuple[Any, ...]) -> pa.Array:
    kind, target = field.kind, _TYPES[field.kind]
    if kind in {"instant", "local"}:
        return _moments(values, target)
    if kind == "list":
        return pa.array([json.loads(v) if isinstance(v, str) else v for v in values], target)
    if kind == "number":
        return pa.array([None if v is None else float(v) for v in values], target)
    if kind == "boolean":
        return pa.array([None if v is None else bool(v) for v in values], target)
    return pa.array(values, target)


def _moments(values: tuple[Any, ...], target: pa.DataType) -> pa.Array:
    """Instants as the database gave them: text on SQLite, datetimes on PostgreSQL, milliseconds in traces."""
    first = next((v for v in values if v is not None), None)
    if isinstance(first, str):
        plain = pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(pa.timestamp("ms"))
        return pc.assume_timezone(plain, "UTC") if target.tz else plain
    if isinstance(first, datetime) or first is None:
        return pa.array(values, target)
    return pa.array(values, pa.int64()).cast(target)
