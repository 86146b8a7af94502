"""Samples of a run as plain columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ingestor.trace import from_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingestor.trace import StateTrack, TraceColumn


def samples(block: bytes, channels: Sequence[str] = ()) -> dict[str, Any]:
    """Return a run's samples: time, lines, one list a channel, null where there is no value.

    Args:
        block: as it is stored.
        channels: only these; all by default.
    """
    found = from_block(block, tuple(channels) or None)
    wanted = set(channels)
    return {
        "samples": len(found),
        "time_ms": found.utc_ms.tolist(),
        "line": found.line.tolist(),
        "elapsed_s": None if found.elapsed_s is None else found.elapsed_s.tolist(),
        "channels": [_channel(c) for c in found.columns],
        "states": [_state(s) for s in found.states if not wanted or s.name in wanted],
    }


def _channel(column: TraceColumn) -> dict[str, Any]:
    numbers = (column.mantissa / 10**column.scale).tolist()
    values = [
        None if absent else number for number, absent in zip(numbers, column.null.tolist(), strict=True)
    ]
    return {
        "channel": column.channel, "unit": column.unit, "printed_unit": column.printed_unit,
        "decimals": column.scale, "values": values,
    }  # fmt: skip


def _state(track: StateTrack) -> dict[str, Any]:
    words = track.words
    return {"name": track.name, "values": [words[c] if c >= 0 else None for c in track.codes.tolist()]}
