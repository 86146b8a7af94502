"""Lines as cells: where each field of many lines stands, found for all of them at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drivers._bytes import Marks

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers._lines import Lines

    Places = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

_NONE = np.zeros(0, np.int64)
_SPACE = 32


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One field of many lines: where its cells begin and end."""

    start: Places
    end: Places


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The fields of lines that all have the same number of them.

    Attributes:
        rows: indices of these lines.
        odd: indices of the lines that have another number of fields.
        start: where the lines begin.
        stops: where the fields end, one array a field.
        begins: where the fields begin; None where each begins one byte behind the one before it.
    """

    rows: Places
    odd: Places
    start: Places
    stops: tuple[Places, ...]
    begins: tuple[Places, ...] | None = None

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.rows)

    def column(self, at: int) -> Column:
        """Return one field."""
        if self.begins is not None:
            return Column(self.begins[at], self.stops[at])
        return Column(self.start if at == 0 else self.stops[at - 1] + 1, self.stops[at])

    def only(self, kept: Bools) -> Cells:
        """Return some of the lines."""
        return replace(
            self,
            rows=self.rows[kept],
            start=self.start[kept],
            stops=tuple(one[kept] for one in self.stops),
            begins=None if self.begins is None else tuple(one[kept] for one in self.begins),
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
    if not len(rows):
        return Cells(rows, _NONE, _NONE, (_NONE,) * fields)
    start, end = _bounds(lines, rows)
    low, high = int(start[0]), int(end[-1])
    between = fields - 1
    window = lines.padded[low:high]
    quotes = np.flatnonzero(window == quote) + low if quote is not None else _NONE
    stops = (
        Marks(lines.padded, low, high, delimiter).between(start, end, between) if not len(quotes) else None
    )
    if stops is not None:
        return Cells(rows, _NONE, start, (*stops, end))
    found = np.flatnonzero(window == delimiter) + low
    first = np.searchsorted(found, start)
    good = np.searchsorted(found, end) - first == between
    if len(quotes):
        good &= np.searchsorted(quotes, start) == np.searchsorted(quotes, end)
    stops = found[first[good] + np.arange(between)[:, None]]
    return Cells(rows[good], rows[~good], start[good], (*stops, end[good]))


def _bounds(lines: Lines, rows: Places) -> tuple[Places, Places]:
    """Return where lines begin and end, without a copy where they follow each other."""
    first, last = int(rows[0]), int(rows[-1])
    if last - first + 1 == len(rows):
        return lines.start[first : last + 1], lines.end[first : last + 1]
    return lines.start[rows], lines.end[rows]


def by_spaces(lines: Lines, rows: Places, fields: int) -> Cells:
    """Cut lines at runs of spaces."""
    if not len(rows):
        return Cells(rows, _NONE, _NONE, (_NONE,) * fields)
    start, end = lines.start[rows], lines.end[rows]
    low = int(start[0])
    ink = np.zeros(int(end[-1]) - low + 2, np.bool_)
    ink[1:-1] = lines.padded[low : int(end[-1])] > _SPACE
    begins = np.flatnonzero(ink[1:] & ~ink[:-1]) + low
    stops = np.flatnonzero(ink[:-1] & ~ink[1:]) + low
    first = np.searchsorted(begins, start)
    good = np.searchsorted(begins, end) - first == fields
    grid = first[good] + np.arange(fields)[:, None]
    return Cells(rows[good], rows[~good], start[good], tuple(stops[grid]), tuple(begins[grid]))


def by_width(lines: Lines, rows: Places, widths: tuple[int, ...]) -> Cells:
    """Cut lines at fixed places; the last field goes on to the end of the line.

    A line that ends before its last field begins is odd.
    """
    stops = np.cumsum(widths)
    start, end = lines.start[rows], lines.end[rows]
    good = end - start >= stops[-1] - widths[-1] + 1
    start, end = start[good], end[good]
    begins = start + (stops - np.asarray(widths))[:, None]
    return Cells(rows[good], rows[~good], start, (*(start + stops[:-1, None]), end), tuple(begins))
