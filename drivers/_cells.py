"""Lines as cells: where each field of many lines stands, found for all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers._lines import Lines

    Places = npt.NDArray[np.int64]

_NONE = np.zeros(0, np.int64)
_SPACE = 32


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The fields of lines that all have the same number of them.

    Attributes:
        rows: indices of these lines.
        start: places where the fields begin, shape (fields, rows).
        end: places where they end.
        odd: indices of the lines that have another number of fields.
    """

    rows: Places
    start: Places
    end: Places
    odd: Places


def by_delimiter(lines: Lines, rows: Places, delimiter: int, fields: int, quote: int | None = None) -> Cells:
    """Cut lines at a one-byte delimiter.

    Args:
        lines: all lines.
        rows: indices of the lines to cut, rising.
        delimiter: the byte.
        fields: how many fields a line has.
        quote: lines that hold this byte are odd: only an exact reading tells what it means.
    """
    if not len(rows):
        return _cells(rows, _NONE, np.zeros((0, fields - 1), np.int64), _NONE, _NONE)
    start, end = lines.start[rows], lines.end[rows]
    low, high = int(start[0]), int(end[-1])
    window = lines.padded[low:high]
    found = np.flatnonzero(window == delimiter) + low
    between = fields - 1
    quotes = np.flatnonzero(window == quote) + low if quote is not None else _NONE
    if not len(quotes) and len(found) == between * len(rows) and _regular(found, start, end, between):
        return _cells(rows, start, found.reshape(len(rows), between), end, _NONE)
    first = np.searchsorted(found, start)
    good = np.searchsorted(found, end) - first == between
    if len(quotes):
        good &= np.searchsorted(quotes, start) == np.searchsorted(quotes, end)
    grid = found[first[good][:, None] + np.arange(between)]
    return _cells(rows[good], start[good], grid, end[good], rows[~good])


def _regular(found: Places, start: Places, end: Places, between: int) -> bool:
    grid = found.reshape(len(start), between)
    return not between or bool((grid[:, 0] >= start).all() and (grid[:, -1] < end).all())


def _cells(rows: Places, start: Places, grid: Places, end: Places, odd: Places) -> Cells:
    ends = np.empty((grid.shape[1] + 1, len(start)), np.int64)
    ends[:-1], ends[-1] = grid.T, end
    starts = np.empty_like(ends)
    starts[0] = start
    np.add(ends[:-1], 1, out=starts[1:])
    return Cells(rows, starts, ends, odd)


def by_spaces(lines: Lines, rows: Places, fields: int) -> Cells:
    """Cut lines at runs of spaces."""
    if not len(rows):
        return _cells(rows, _NONE, np.zeros((0, fields - 1), np.int64), _NONE, _NONE)
    start, end = lines.start[rows], lines.end[rows]
    low = int(start[0])
    ink = np.zeros(int(end[-1]) - low + 2, np.bool_)
    ink[1:-1] = lines.padded[low : int(end[-1])] > _SPACE
    begins = np.flatnonzero(ink[1:] & ~ink[:-1]) + low
    stops = np.flatnonzero(ink[:-1] & ~ink[1:]) + low
    first = np.searchsorted(begins, start)
    good = np.searchsorted(begins, end) - first == fields
    grid = first[good][:, None] + np.arange(fields)
    return Cells(
        rows[good], np.ascontiguousarray(begins[grid].T), np.ascontiguousarray(stops[grid].T), rows[~good]
    )


def by_width(lines: Lines, rows: Places, widths: tuple[int, ...]) -> Cells:
    """Cut lines at fixed places; the last field goes on to the end of the line.

    A line that ends before its last field begins is odd.
    """
    stops = np.cumsum(widths)
    start, end = lines.start[rows], lines.end[rows]
    good = end - start >= stops[-1] - widths[-1] + 1
    ends = start[good] + stops[:, None]
    ends[-1] = end[good]
    starts = start[good] + (stops - np.asarray(widths))[:, None]
    return Cells(rows[good], starts, ends, rows[~good])
