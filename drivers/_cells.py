"""Lines as cells: where each field of many lines stands, found for all of them at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers._lines import Lines

    Places = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

_NONE = np.zeros(0, np.int64)
_SPACE = 32


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The fields of lines that all have the same number of them.

    Attributes:
        rows: indices of these lines.
        odd: indices of the lines that have another number of fields.
        start: places where the lines begin.
        end: places where they end.
        stops: places of the delimiters, shape (rows, fields - 1); or, with `begins`, where the fields end.
        begins: where the fields begin, shape (rows, fields); None between delimiters.
    """

    rows: Places
    odd: Places
    start: Places
    end: Places
    stops: Places
    begins: Places | None = None
    _latest: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.rows)

    def place(self, at: int) -> tuple[Places, Places]:
        """Return where a field begins and ends in each line; without end the place after it is its delimiter."""
        if self.begins is not None:
            return np.ascontiguousarray(self.begins[:, at]), np.ascontiguousarray(self.stops[:, at])
        start = self.start if at == 0 else self._stop(at - 1) + 1
        return start, self.end if at == self.stops.shape[1] else self._stop(at)

    def _stop(self, at: int) -> Places:
        """Return the places of one delimiter; columns are asked for in order, each twice."""
        if self._latest[:1] != [at]:
            self._latest[:] = [at, np.ascontiguousarray(self.stops[:, at])]
        place: Places = self._latest[1]
        return place

    def only(self, kept: Bools) -> Cells:
        """Return some of the lines."""
        return replace(
            self,
            rows=self.rows[kept],
            start=self.start[kept],
            end=self.end[kept],
            stops=self.stops[kept],
            begins=None if self.begins is None else self.begins[kept],
            _latest=[],
        )


def by_delimiter(lines: Lines, rows: Places, delimiter: int, fields: int, quote: int | None = None) -> Cells:
    """Cut lines at a one-byte delimiter.

    Args:
        lines: all lines.
        rows: indices of the lines to cut, rising.
        delimiter: the byte.
        fields: how many fields a line has.
        quote: lines that hold this byte are odd: only an exact reading tells what it means.
    """
    between = fields - 1
    if not len(rows):
        return Cells(rows, _NONE, _NONE, _NONE, np.zeros((0, between), np.int64))
    start, end = _bounds(lines, rows)
    low, high = int(start[0]), int(end[-1])
    window = lines.padded[low:high]
    found = np.flatnonzero(window == delimiter)
    found += low
    quotes = np.flatnonzero(window == quote) + low if quote is not None else _NONE
    if not len(quotes) and len(found) == between * len(rows) and _regular(found, start, end, between):
        return Cells(rows, _NONE, start, end, found.reshape(len(rows), between))
    first = np.searchsorted(found, start)
    good = np.searchsorted(found, end) - first == between
    if len(quotes):
        good &= np.searchsorted(quotes, start) == np.searchsorted(quotes, end)
    grid = found[first[good][:, None] + np.arange(between)]
    return Cells(rows[good], rows[~good], start[good], end[good], grid)


def _bounds(lines: Lines, rows: Places) -> tuple[Places, Places]:
    """Return where lines begin and end, without a copy where they follow each other."""
    first, last = int(rows[0]), int(rows[-1])
    if last - first + 1 == len(rows):
        return lines.start[first : last + 1], lines.end[first : last + 1]
    return lines.start[rows], lines.end[rows]


def _regular(found: Places, start: Places, end: Places, between: int) -> bool:
    if not between:
        return True
    grid = found.reshape(len(start), between)
    return bool((grid[:, 0] >= start).all() and (grid[:, -1] < end).all())


def by_spaces(lines: Lines, rows: Places, fields: int) -> Cells:
    """Cut lines at runs of spaces."""
    if not len(rows):
        return Cells(
            rows, _NONE, _NONE, _NONE, np.zeros((0, fields), np.int64), np.zeros((0, fields), np.int64)
        )
    start, end = lines.start[rows], lines.end[rows]
    low = int(start[0])
    ink = np.zeros(int(end[-1]) - low + 2, np.bool_)
    ink[1:-1] = lines.padded[low : int(end[-1])] > _SPACE
    begins = np.flatnonzero(ink[1:] & ~ink[:-1]) + low
    stops = np.flatnonzero(ink[:-1] & ~ink[1:]) + low
    first = np.searchsorted(begins, start)
    good = np.searchsorted(begins, end) - first == fields
    grid = first[good][:, None] + np.arange(fields)
    return Cells(rows[good], rows[~good], start[good], end[good], stops[grid], begins[grid])


def by_width(lines: Lines, rows: Places, widths: tuple[int, ...]) -> Cells:
    """Cut lines at fixed places; the last field goes on to the end of the line.

    A line that ends before its last field begins is odd.
    """
    stops = np.cumsum(widths)
    start, end = lines.start[rows], lines.end[rows]
    good = end - start >= stops[-1] - widths[-1] + 1
    start, end = start[good], end[good]
    ends = start[:, None] + stops
    ends[:, -1] = end
    return Cells(rows[good], rows[~good], start, end, ends, start[:, None] + (stops - np.asarray(widths)))
