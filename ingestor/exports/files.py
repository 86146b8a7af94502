"""Rows as files: CSV, Parquet, Arrow, NDJSON. Every format is written batch by batch."""

from __future__ import annotations

import io
import json
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from ingestor.exports.batches import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

FORMATS = ("csv", "parquet", "arrow", "ndjson")
# A cell that begins like this is run as a formula by spreadsheet programs.
# Source: OWASP ASVS 5.0, 1.2.10; the full-width forms are taken for the plain ones by some programs.
_FORMULA = "^[=+\\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]"


def write(table: str, kind: str, found: Iterable[pa.RecordBatch], sink: IO[bytes]) -> int:
    """Write all batches to an open file; return the number of rows.

    Args:
        table: whose schema the batches have.
        kind: one of `FORMATS`.
        found: the rows.
        sink: where they go.
    """
    rows = 0
    for batch, piece in _WRITERS[kind](table, found):
        rows += batch
        sink.write(piece)
    return rows


def pieces(table: str, kind: str, found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield the same file piece by piece, for a stream."""
    for _, piece in _WRITERS[kind](table, found):
        yield piece


def _csv(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, bytes]]:
    yield 0, (",".join(schema(table).names) + "\r\n").encode()
    for batch in found:
        sink, cells = io.BytesIO(), _printed(batch)
        style = "needed" if _wants_quotes(cells) else "none"
        pa_csv.write_csv(
            cells, sink, pa_csv.WriteOptions(include_header=False, quoting_style=style, eol="\r\n")
        )
        yield len(batch), sink.getvalue()


def _wants_quotes(cells: pa.RecordBatch) -> bool:
    texts = [c for c in cells.columns if pa.types.is_string(c.type)]
    return any(pc.any(pc.match_substring_regex(c, pattern='[",\r\n]')).as_py() for c in texts)


def _printed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch as texts and numbers: instants with Z, lists joined by a bar, texts safe to open."""
    names, arrays = batch.schema.names, [_cells(a, a.type) for a in batch.columns]
    return pa.record_batch(arrays, names=names)


def _cells(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_list(kind):
        joined = pc.binary_join(array, "|")
        return _safe(joined)
    if pa.types.is_timestamp(kind):
        return _stamps(array, "Z" if kind.tz else "")
    return _safe(array) if pa.types.is_string(kind) else array


def _stamps(array: pa.Array, zone: str) -> pa.Array:
    """ISO 8601, with a fraction only where there is one."""
    text = pc.strftime(array, format="%Y-%m-%dT%H:%M:%S")
    short = pc.replace_substring_regex(text, pattern="\\.0+$", replacement="")
    return pc.binary_join_element_wise(short, zone, "") if zone else short


def _safe(array: pa.Array) -> pa.Array:
    risky = pc.match_substring_regex(array, pattern=_FORMULA)
    return pc.if_else(risky, pc.binary_join_element_wise("'", array, ""), array)


class _Passing(io.RawIOBase):
    """A file that remembers how far it was written and gives away what it holds: constant memory."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        piece = bytes(data)
        self._held.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._written

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        piece, self._held = b"".join(self._held), []
        return piece


def _parquet(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, bytes]]:
    sink = _Passing()
    with pq.ParquetWriter(sink, schema(table), compression="zstd") as writer:
        for batch in found:
            writer.write_batch(batch)
            yield len(batch), sink.taken()
    yield 0, sink.taken()


def _arrow(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, bytes]]:
    sink = _Passing()
    with pa.ipc.new_stream(sink, schema(table)) as writer:
        for batch in found:
            writer.write_batch(batch)
            yield len(batch), sink.taken()
    yield 0, sink.taken()


def _ndjson(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, bytes]]:
    del table
    for batch in found:
        rows = _texts(batch).to_pylist()
        lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
        yield len(batch), ("\n".join(lines) + "\n").encode()


def _texts(batch: pa.RecordBatch) -> pa.RecordBatch:
    stamped = [
        _stamps(a, "Z" if a.type.tz else "") if pa.types.is_timestamp(a.type) else a for a in batch.columns
    ]
    return pa.record_batch(stamped, names=batch.schema.names)


_WRITERS: dict[str, Callable[[str, Iterable[pa.RecordBatch]], Iterator[tuple[int, bytes]]]] = {
    "csv": _csv,
    "parquet": _parquet,
    "arrow": _arrow,
    "ndjson": _ndjson,
}
