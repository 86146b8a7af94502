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
    from collections.abc import Callable, Sequence

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


def batch(table: str, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Return raw rows, as the database driver gave them, as one record batch."""
    fields = tables()[table]
    columns = zip(*rows, strict=True) if rows else ((),) * len(fields)
    arrays = [_array(f, values) for f, values in zip(fields, columns, strict=True)]
    return pa.record_batch(arrays, schema=schema(table))


def _array(field: Field, values: Sequence[Any]) -> pa.Array:
    target = _TYPES[field.kind]
    make = _MAKERS.get(field.kind)
    return pa.array(values, target) if make is None else make(values, target)


def _moments(values: Sequence[Any], target: pa.DataType) -> pa.Array:
    """Instants as the database gave them: text on SQLite, datetimes on PostgreSQL."""
    first = next((v for v in values if v is not None), None)
    if first is None or isinstance(first, datetime):
        return pa.array(values, target)
    plain = pa.array(values, pa.string()).cast(pa.timestamp("us")).cast(pa.timestamp("ms"), safe=False)
    return pc.assume_timezone(plain, "UTC") if target.tz else plain


def lists(values: Sequence[Any] | pa.Array, target: pa.DataType) -> pa.Array:
    """Return lists of texts: JSON on SQLite, lists on PostgreSQL."""
    if any(isinstance(v, list) for v in values[:1]):
        return pa.array(values, target)
    texts = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    # As Python prints a list that is not empty and in which nothing is escaped.
    plain = pc.and_not(pc.starts_with(texts, pattern='["'), pc.match_substring(texts, pattern="\\"))
    if pc.all(plain, min_count=0).as_py():
        return pc.split_pattern(pc.utf8_slice_codeunits(texts, 2, -2), '", "')
    coded = texts.dictionary_encode()
    read = [json.loads(text) for text in coded.dictionary.to_pylist()]
    return pa.array(read, target).take(coded.indices)


def _numbers(values: Sequence[Any], target: pa.DataType) -> pa.Array:
    return pa.array([None if v is None else float(v) for v in values], target)


def _booleans(values: Sequence[Any], target: pa.DataType) -> pa.Array:
    return pa.array([None if v is None else bool(v) for v in values], target)


_MAKERS: dict[str, Callable[[Sequence[Any], pa.DataType], pa.Array]] = {
    "instant": _moments, "local": _moments, "list": lists, "number": _numbers, "boolean": _booleans,
}  # fmt: skip
