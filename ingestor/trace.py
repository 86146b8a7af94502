"""Sampled channels of a run, and the one Parquet block in which they are kept.

Printed precision is kept exactly: a value is an integer and its number of printed decimals.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa


@dataclass(frozen=True, slots=True, eq=False)
class TraceColumn:
    """One channel: value = mantissa / 10**scale in `unit`; `null` True where there is none.

    Attributes:
        channel: canonical channel id, or the printed heading of an unknown column prefixed by `x:`.
        unit: canonical UCUM unit; the printed one for unknown columns.
        printed_unit: the unit as the machine printed or the profile declared it.
    """

    channel: str
    unit: str
    printed_unit: str
    mantissa: npt.NDArray[np.int64]
    scale: int
    null: npt.NDArray[np.bool_]

    def values(self) -> npt.NDArray[np.float64]:
        """Return the channel as floats, NaN where there is no value."""
        out = self.mantissa / float(10**self.scale)
        out[self.null] = np.nan
        return out


@dataclass(frozen=True, slots=True, eq=False)
class StateTrack:
    """A sampled word such as the machine's state; code -1 is no value."""

    name: str
    words: tuple[str, ...]
    codes: npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Samples of one run.

    Attributes:
        utc_ms: instants, milliseconds since 1970-01-01 UTC, int64, in printed order.
        local_ms: the machine's naive wall clock in the same unit.
        line: line number of each row in the source, int32.
        elapsed_s: the machine's own run-time counter [s], or None.
    """

    utc_ms: npt.NDArray[np.int64]
    local_ms: npt.NDArray[np.int64]
    line: npt.NDArray[np.int32]
    columns: tuple[TraceColumn, ...]
    states: tuple[StateTrack, ...] = ()
    elapsed_s: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.utc_ms)

    def column(self, channel: str) -> TraceColumn | None:
        """Return one channel, or None where the run has not got it."""
        return next((c for c in self.columns if c.channel == channel), None)


def to_block(trace: Trace) -> bytes:
    """Return the trace as one Parquet file: integers by delta, zstd, meaning in the field metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields: list[tuple[str, pa.Array, dict[str, str]]] = [
        ("utc_ms", pa.array(trace.utc_ms), {"role": "utc"}),
        ("local_ms", pa.array(trace.local_ms), {"role": "local"}),
        ("line", pa.array(trace.line), {"role": "line"}),
    ]
    if trace.elapsed_s is not None:
        fields.append(("elapsed_s", pa.array(trace.elapsed_s), {"role": "elapsed"}))
    fields += [(c.channel, _packed(c), _about(c)) for c in trace.columns]
    fields += [
        (
            f"state:{s.name}",
            pa.array(s.codes),
            {"role": "state", "words": json.dumps(s.words, ensure_ascii=False)},
        )
        for s in trace.states
    ]
    schema = pa.schema([pa.field(name, array.type, metadata=meta) for name, array, meta in fields])
    table = pa.Table.from_arrays([array for _, array, _ in fields], schema=schema)
    sink = io.BytesIO()
    pq.write_table(
        table, sink, compression="zstd", compression_level=3, use_dictionary=False,
        column_encoding={name: "DELTA_BINARY_PACKED" for name, array, _ in fields if len(array)},
        write_statistics=False, store_schema=True,
    )  # fmt: skip
    return sink.getvalue()


def _packed(column: TraceColumn) -> pa.Array:
    import pyarrow as pa

    small = len(column.mantissa) == 0 or (column.mantissa.min() >= -(2**31) and column.mantissa.max() < 2**31)
    return pa.array(column.mantissa.astype(np.int32 if small else np.int64), mask=column.null)


def _about(column: TraceColumn) -> dict[str, str]:
    return {
        "role": "channel",
        "unit": column.unit,
        "printed_unit": column.printed_unit,
        "scale": str(column.scale),
    }


def channels_of(block: bytes) -> tuple[str, ...]:
    """Return the sampled channels of a block without decoding it."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(io.BytesIO(block))
    return tuple(f.name for f in schema if _metadata(f)["role"] == "channel")


def from_block(block: bytes, channels: tuple[str, ...] | None = None) -> Trace:
    """Read a block back; `channels` limits which sampled channels are decoded (all by default)."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(block))
    names = [f.name for f in file.schema_arrow]
    fixed = {"utc_ms", "local_ms", "line", "elapsed_s"}
    if channels is not None:
        names = [n for n in names if n in fixed or n in channels or n.startswith("state:")]
    table = file.read(columns=names)
    elapsed = table["elapsed_s"].to_numpy() if "elapsed_s" in names else None
    about = {n: _metadata(table.schema.field(n)) for n in names}
    return Trace(
        utc_ms=table["utc_ms"].to_numpy(),
        local_ms=table["local_ms"].to_numpy(),
        line=table["line"].to_numpy(),
        elapsed_s=elapsed,
        columns=tuple(_column(table, n, about[n]) for n in names if about[n]["role"] == "channel"),
        states=tuple(
            StateTrack(n.removeprefix("state:"), tuple(json.loads(about[n]["words"])), table[n].to_numpy())
            for n in names
            if about[n]["role"] == "state"
        ),
    )


def _metadata(field: pa.Field) -> dict[str, str]:
    return {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}


def _column(table: pa.Table, name: str, about: dict[str, Any]) -> TraceColumn:
    array = table[name].combine_chunks()
    return TraceColumn(
        channel=name,
        unit=about["unit"],
        printed_unit=about["printed_unit"],
        mantissa=array.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64),
        scale=int(about["scale"]),
        null=array.is_null().to_numpy(zero_copy_only=False),
    )
