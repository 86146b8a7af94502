"""Rows as files, written piece by piece: CSV, CSV for a German spreadsheet, Parquet, Arrow, NDJSON."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pydantic_core

from ingestor.exports import delimited
from ingestor.exports.ahead import ahead
from ingestor.exports.batches import schema
from ingestor.exports.delimited import EOL, stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ROW_GROUP = 20_000


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a table.

    Attributes:
        suffix: of files and addresses, without the dot.
    """

    name: str
    suffix: str
    media_type: str
    write: Callable[[str, Iterable[pa.RecordBatch]], Iterator[bytes]]


def pieces(table: str, kind: str, found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield a file piece by piece.

    Args:
        table: whose schema the batches have.
        kind: a key of `FORMATS`.
        found: the rows.
    """
    yield from FORMATS[kind].write(table, ahead(found))


def _csv(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    yield (",".join(schema(table).names) + EOL).encode()
    for batch in found:
        yield delimited.csv(batch)


def _excel(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """CSV as a German Excel opens it by a double click: semicolons, decimal commas, a mark for UTF-8."""
    yield ("\ufeff" + ";".join(schema(table).names) + EOL).encode()
    for batch in found:
        yield delimited.german(batch)


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


def _parquet(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    sink = _Passing()
    with pq.ParquetWriter(sink, schema(table), compression="zstd") as writer:
        for group in _gathered(table, found):
            writer.write_table(group, row_group_size=_ROW_GROUP)
            yield sink.taken()
    yield sink.taken()


def _gathered(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield row groups that are worth their overhead."""
    held: list[pa.RecordBatch] = []
    for batch in found:
        held.append(batch)
        if sum(map(len, held)) >= _ROW_GROUP:
            yield pa.Table.from_batches(held, schema(table))
            held = []
    if held:
        yield pa.Table.from_batches(held, schema(table))


def _arrow(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    sink = _Passing()
    with pa.ipc.new_file(sink, schema(table)) as writer:
        for batch in found:
            writer.write_batch(batch)
            yield sink.taken()
    yield sink.taken()


def _ndjson(table: str, found: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    del table
    for batch in found:
        columns = [
            stamps(a, "T", "Z" if a.type.tz else "") if pa.types.is_timestamp(a.type) else a
            for a in batch.columns
        ]
        rows = pa.record_batch(columns, names=batch.schema.names).to_pylist()
        yield b"".join(pydantic_core.to_json(row) + b"\n" for row in rows)


FORMATS: dict[str, Format] = {
    f.name: f
    for f in (
        Format("csv", "csv", "text/csv; charset=utf-8", _csv),
        Format("parquet", "parquet", "application/vnd.apache.parquet", _parquet),
        Format("arrow", "arrow", "application/vnd.apache.arrow.file", _arrow),
        Format("ndjson", "ndjson", "application/x-ndjson", _ndjson),
        Format("excel", "excel.csv", "text/csv; charset=utf-8", _excel),
    )
}
