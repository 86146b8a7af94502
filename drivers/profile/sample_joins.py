"""Pieces of samples become one table: times dated, counters counted through, columns of one precision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from drivers._numbers import Numbers
from drivers._text import printed
from drivers._times import EPOCH, dated, joined
from ingestor.driver import SampleColumn, StateColumn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy.typing as npt

    from drivers.profile.sample_pieces import Piece, PieceReader
    from drivers.profile.spec import Field

    Ints = npt.NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Table:
    """All rows under one heading; every array has one entry a row."""

    line: Ints
    local_ms: Ints
    offset_min: Ints | None = None
    elapsed_s: Ints | None = None
    index: Ints | None = None
    columns: dict[str, SampleColumn] = field(default_factory=dict)
    states: dict[str, StateColumn] = field(default_factory=dict)


def stacked(reader: PieceReader, pieces: Sequence[Piece], start: datetime) -> Table:
    """Return the rows of all pieces.

    Args:
        reader: that read them.
        pieces: in printed order, at least one.
        start: of the treatment, from which times without date go on.
    """
    times = joined([piece.times for piece in pieces])
    elapsed = [piece.elapsed_ms for piece in pieces if piece.elapsed_ms is not None]
    elapsed_ms = np.concatenate(elapsed) if len(elapsed) == len(pieces) else None
    local: Ints = dated(times, start)
    if elapsed_ms is not None and not reader.has("time"):
        local = elapsed_ms + _ms_of(start)
    offset = times.offset_min
    if offset is not None:
        local = local + (offset[0] - offset) * 60_000  # one offset for all rows; the instants stay
    seconds = elapsed_ms // 1000 if elapsed_ms is not None and all(p.elapsed_known for p in pieces) else None
    table = Table(_joined([piece.line for piece in pieces]), local, offset, seconds)
    numbered = [piece.index for piece in pieces if piece.index is not None]
    table.index = np.concatenate(numbered) if numbered else None
    for key, one, word, unit in reader.columns():
        numbers = joined_numbers([piece.numbers[key] for piece in pieces])
        mantissa = numbers.mantissa if one is None else _since_start(one, numbers)
        name = one.name if one is not None else None
        table.columns[key] = SampleColumn(name, printed(word), unit, mantissa, numbers.scale, numbers.null)
    for name, words in reader.words.items():
        codes = np.concatenate([piece.codes[name] for piece in pieces])
        table.states[name] = StateColumn(name, tuple(words), codes)
    return table


def _joined(parts: Sequence[Ints]) -> Ints:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def joined_numbers(parts: Sequence[Numbers]) -> Numbers:
    """Return one column of the highest precision among its parts."""
    if len(parts) == 1:
        return parts[0]
    scale = max(part.scale for part in parts)
    rows = sum(len(part.null) for part in parts)
    out = Numbers(np.empty(rows, np.int64), scale, np.empty(rows, np.bool_))
    at = 0
    for part in parts:
        end = at + len(part.null)
        out.null[at:end] = part.null
        if part.scale == scale:
            out.mantissa[at:end] = part.mantissa
        else:
            np.multiply(part.mantissa, 10 ** (scale - part.scale), out=out.mantissa[at:end])
        at = end
    return out


def _ms_of(start: datetime) -> int:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    return (start.date() - EPOCH).days * 86_400_000 + int((start - midnight).total_seconds() * 1000)


def _since_start(one: Field, numbers: Numbers) -> Ints:
    """Return a counter as it would stand had it counted from the start."""
    if one.interval:
        return np.cumsum(numbers.mantissa)
    if not one.wraps_at:
        return numbers.mantissa
    full = one.wraps_at * 10**numbers.scale
    known = np.flatnonzero(~numbers.null)
    step = np.diff(numbers.mantissa[known], prepend=0)
    out = numbers.mantissa.copy()
    out[known] += np.cumsum(step < -full // 2) * full
    return out


def together(tables: list[Table]) -> Table:
    """Join parts with other columns: rows in the order of time, no value where a part has no such column."""
    local = np.concatenate([table.local_ms for table in tables])
    order = np.argsort(local, kind="stable")
    sizes = [len(table.line) for table in tables]
    whole = all(table.elapsed_s is not None for table in tables)
    joined = Table(np.concatenate([table.line for table in tables])[order], local[order])
    offsets = [table.offset_min for table in tables]
    if all(one is not None for one in offsets):
        joined.offset_min = np.concatenate([one for one in offsets if one is not None])[order]
    if whole:
        joined.elapsed_s = np.concatenate([t.elapsed_s for t in tables if t.elapsed_s is not None])[order]
    for key in dict.fromkeys(key for table in tables for key in table.columns):
        joined.columns[key] = _joined_column([table.columns.get(key) for table in tables], sizes, order)
    for table, size in zip(tables, sizes, strict=True):
        for name, state in table.states.items():
            codes = [
                state.codes if t is table else np.full(n, -1, np.int16)
                for t, n in zip(tables, sizes, strict=True)
            ]
            joined.states[name] = StateColumn(state.name, state.words, np.concatenate(codes)[order])
        assert size == len(table.line)  # noqa: S101
    return joined


def _joined_column(found: list[SampleColumn | None], sizes: list[int], order: Ints) -> SampleColumn:
    model = next(one for one in found if one is not None)
    scale = max(one.scale for one in found if one is not None)
    mantissa = [
        one.mantissa * 10 ** (scale - one.scale) if one is not None else np.zeros(size, np.int64)
        for one, size in zip(found, sizes, strict=True)
    ]
    null = [
        one.null if one is not None else np.ones(size, np.bool_)
        for one, size in zip(found, sizes, strict=True)
    ]
    return SampleColumn(
        model.channel,
        model.printed,
        model.unit,
        np.concatenate(mantissa)[order],
        scale,
        np.concatenate(null)[order],
    )
