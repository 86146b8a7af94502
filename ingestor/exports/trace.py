"""Samples of a run as plain columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ingestor.trace import from_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ingestor.trace import StateTrack, Trace, TraceColumn


@dataclass(frozen=True, slots=True)
class Part:
    """Which rows of a run are wanted; None does not limit.

    Attributes:
        start_ms, end_ms: of the time, milliseconds since 1970 (UTC), the end excluded.
        stretches: into so many equal stretches the time is cut; of each only the rows stay in which some channel is
            least or greatest, so that no peak is lost.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    stretches: int | None = None


def samples(block: bytes, channels: Sequence[str] = (), part: Part | None = None) -> dict[str, Any]:
    """Return a run's samples: time, lines, one list a channel, null where there is no value.

    Args:
        block: as it is stored.
        channels: only these; all by default.
        part: which rows; all by default.
    """
    found = from_block(block, tuple(channels) or None)
    rows = _rows(found, part or Part())
    wanted = set(channels)
    return {
        "samples": len(found),
        "time_ms": found.utc_ms[rows].tolist(),
        "line": found.line[rows].tolist(),
        "elapsed_s": None if found.elapsed_s is None else found.elapsed_s[rows].tolist(),
        "channels": [_channel(c, rows) for c in found.columns],
        "states": [_state(s, rows) for s in found.states if not wanted or s.name in wanted],
    }


def _rows(found: Trace, part: Part) -> npt.NDArray[np.int64]:
    """Return the places of the rows that are wanted, in printed order."""
    inside = np.ones(len(found), bool)
    if part.start_ms is not None:
        inside &= found.utc_ms >= part.start_ms
    if part.end_ms is not None:
        inside &= found.utc_ms < part.end_ms
    rows = np.flatnonzero(inside)
    if part.stretches is None or len(rows) <= 2 * part.stretches:
        return rows
    at = found.utc_ms[rows]
    stretch = (at - at.min()) * part.stretches // (at.max() - at.min() + 1)
    kept = np.zeros(len(rows), bool)
    for values in (column.values()[rows] for column in found.columns):
        known = np.flatnonzero(~np.isnan(values))
        order = known[np.lexsort((values[known], stretch[known]))]
        new = np.diff(stretch[order], prepend=-1, append=-1) != 0
        kept[order[new[:-1]]] = True
        kept[order[new[1:]]] = True
    return rows[kept]


def _channel(column: TraceColumn, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
    numbers = (column.mantissa[rows] / 10**column.scale).tolist()
    values = [
        None if absent else number for number, absent in zip(numbers, column.null[rows].tolist(), strict=True)
    ]
    return {
        "channel": column.channel, "unit": column.unit, "printed_unit": column.printed_unit,
        "decimals": column.scale, "values": values,
    }  # fmt: skip


def _state(track: StateTrack, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
    words = track.words
    return {"name": track.name, "values": [words[c] if c >= 0 else None for c in track.codes[rows].tolist()]}
