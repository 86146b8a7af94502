"""Lines that the database printed, as Arrow: read column by column, without an object for each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ingestor.exports.batches import lists, schema
from ingestor.exports.fields import names, tables
from ingestor.store.answers.printed import CELL_END, QUOTE

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_AS: dict[str, pa.DataType] = {
    "number": pa.float64(), "count": pa.int64(), "boolean": pa.bool_(), "instant": pa.timestamp("us"),
    "local": pa.timestamp("us"),
}  # fmt: skip
_SPLIT = pa_csv.ParseOptions(delimiter=CELL_END, quote_char=QUOTE, newlines_in_values=True)


def table(text: bytes, patient: Callable[[str], str | None]) -> pa.RecordBatch:
    """Return doses.

    Args:
        text: from `ingestor.store.answers.printed.lines`; one row at least.
        patient: makes of a patient's id what may be shown.
    """
    fields = tables()["doses"]
    read = pa_csv.read_csv(
        pa.py_buffer(text),
        pa_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names("doses")),
        _SPLIT,
        pa_csv.ConvertOptions(
            column_types={f.name: _READ_AS.get(f.kind, pa.string()) for f in fields}, null_values=[""],
            strings_can_be_null=True, quoted_strings_can_be_null=False, true_values=["1"], false_values=["0"],
        ),
    )  # fmt: skip
    (batch,) = read.to_batches()  # one block was read, so nothing must be copied into one
    known = {"patient": lambda column: _mapped(column, patient)}
    made = {"instant": _moments, "local": _moments, "list": lists}
    arrays = []
    for field, column, target in zip(fields, batch.columns, schema("doses"), strict=True):
        make = known.get(field.name)
        if make is not None:
            arrays.append(make(column))
        else:
            arrays.append(made[field.kind](column, target.type) if field.kind in made else column)
    return pa.record_batch(arrays, schema=schema("doses"))


def _moments(column: pa.Array, target: pa.DataType) -> pa.Array:
    plain = column.cast(pa.timestamp("ms"), safe=False)
    return pc.assume_timezone(plain, "UTC") if target.tz else plain


def _mapped(column: pa.Array, change: Callable[[str], str | None]) -> pa.Array:
    """Return a column of texts with every different one changed once."""
    coded = column.dictionary_encode()
    changed = pa.array([change(text) for text in coded.dictionary.to_pylist()], pa.string())
    return changed.take(coded.indices)
