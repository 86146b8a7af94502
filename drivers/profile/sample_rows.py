"""Where the cells of all rows of samples stand; rows that are not cut like the others are cut exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drivers._cells import Cells, Column, by_delimiter, by_spaces, by_width
from drivers._lines import PAD
from drivers._numbers import trimmed
from drivers.profile.headings import cut
from ingestor.driver import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from drivers._lines import Lines
    from drivers.profile.raw import Heading, Raw, SampleLines
    from drivers.profile.spec import Layout

    Places = npt.NDArray[np.int64]


# So that what is looked at stays near the processor; eight channels over four hours at 1 Hz are one piece.
CELLS_AT_ONCE = 131_072


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows of samples under one heading.

    Attributes:
        heading: names the fields.
        padded: the bytes in which the cells stand.
        cells: where they stand.
        before: how many fields stand before the first that the heading names.
        line: line numbers of the rows.
        codec: how text is decoded.
    """

    heading: Heading
    padded: npt.NDArray[np.uint8]
    cells: Cells
    before: int
    line: Places
    codec: str

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.line)

    def column(self, field: int) -> Column:
        """Return where the cells of a field stand."""
        return self.cells.column(field + self.before)

    def text(self, field: int, row: int) -> str:
        """Return one cell."""
        return next(self.texts(field, (row,)))

    def texts(self, field: int, rows: Sequence[int]) -> Iterator[str]:
        """Yield some cells of a field."""
        if not rows:
            return
        column = self.column(field)
        for row in rows:
            yield (
                self.padded[column.start[row] : column.end[row]]
                .tobytes()
                .decode(self.codec, "replace")
                .strip(" ")
            )

    def only(self, kept: npt.NDArray[np.bool_]) -> Part:
        """Return the part with some of its rows."""
        return replace(self, cells=self.cells.only(kept), line=self.line[kept])


def groups_of(raw: Raw) -> list[list[SampleLines]]:
    """Return the rows of samples, those under one heading together."""
    groups: dict[tuple[int, str, tuple[str, ...]], list[SampleLines]] = {}
    for one in raw.samples:
        groups.setdefault((id(one.lines), one.heading.block.name, one.heading.printed), []).append(one)
    return list(groups.values())


def pieces_of(raw: Raw, group: list[SampleLines]) -> Iterator[Part]:
    """Yield the rows under one heading piece by piece; rows that cannot be cut are ignored with a finding."""
    lines, heading = group[0].lines, group[0].heading
    rows = group[0].rows if len(group) == 1 else np.concatenate([one.rows for one in group])
    size = max(CELLS_AT_ONCE // len(heading.fields), 1)
    for at in range(0, len(rows), size):
        yield _part(raw, lines, heading, rows[at : at + size])


def whole_of(raw: Raw, one: SampleLines) -> Part:
    """Return all rows of one stretch at once."""
    return _part(raw, one.lines, one.heading, one.rows)


def _part(raw: Raw, lines: Lines, heading: Heading, rows: Places) -> Part:
    cells, before, spare = _cells(raw.layout, lines, rows, heading)
    part = Part(heading, lines.padded, cells, before, lines.numbers_of(cells.rows), lines.codec)
    odd = cells.odd
    if spare:
        last = part.column(len(heading.fields))
        filled = (last.end > last.start) & (lines.padded[last.start] != ord(" "))
        odd = np.sort(np.append(odd, cells.rows[filled]))
        part = part.only(~filled)
    return _with_odd(raw, part, lines, odd) if len(odd) else part


def _cells(layout: Layout, lines: Lines, rows: Places, heading: Heading) -> tuple[Cells, int, bool]:
    """Return the cells, how many fields stand before the named ones, and whether one stands behind them."""
    fields, tagged = len(heading.fields), bool(heading.block.tag)
    if heading.block.widths:
        return by_width(lines, rows, heading.block.widths), 0, False
    before = layout.tag_field if tagged else 0
    if layout.delimiter == "spaces":
        return by_spaces(lines, rows, fields + before), before, False
    delimiter = ord(layout.delimiter or "\n")
    quote = ord(layout.quote) if layout.quote else None
    cells = by_delimiter(lines, rows, delimiter, fields + before, quote)
    if not len(cells.rows) and len(rows):
        trailing = by_delimiter(lines, rows, delimiter, fields + before + 1, quote)
        if len(trailing.rows):
            return trailing, before, True
    return cells, before, False


def _with_odd(raw: Raw, part: Part, lines: Lines, odd: Places) -> Part:
    """Cut odd lines exactly and add those that are rows after all, in their place."""
    clean, kept = [], []
    for index in odd.tolist():
        text = lines.text(index)
        if not text.strip(" \t"):
            continue
        cells = _exact(raw.layout, part.heading, text)
        if cells is None:
            raw.notes.find(
                "row_unreadable", lines.number(index), Severity.ERROR, about="samples",
                expected=str(len(part.heading.fields)), got=str(len(cut(text, raw.layout) or ())),
            )  # fmt: skip
            raw.notes.ignore("unreadable")
        else:
            clean.append(cells)
            kept.append(lines.number(index))
    return _inserted(part, clean, kept) if kept else part


def _exact(layout: Layout, heading: Heading, text: str) -> list[str] | None:
    if heading.block.widths:
        return None
    cells = cut(text, layout)
    if cells is None:
        return None
    cells = cells[layout.tag_field if heading.block.tag else 0 :]
    wanted = len(heading.fields)
    if len(cells) == wanted + 1 and not cells[-1]:
        cells = cells[:-1]
    return cells if len(cells) == wanted else None


def _inserted(part: Part, clean: list[list[str]], lines: list[int]) -> Part:
    """Put rows that were cut exactly behind the bytes, and in their place among the others."""
    encoded = [[cell.encode(part.codec, "replace") for cell in cells] for cells in clean]
    tail = b"".join(cell for cells in encoded for cell in cells)
    base = len(part.padded) - PAD
    padded = np.concatenate((part.padded[:base], np.frombuffer(tail, np.uint8), np.zeros(PAD, np.uint8)))
    widths = np.array([[len(cell) for cell in cells] for cells in encoded], np.int64)
    ends = base + np.cumsum(widths).reshape(widths.shape)
    line = np.concatenate((part.line, lines))
    order = np.argsort(line, kind="stable")
    old = [part.column(at) for at in range(len(part.heading.fields))]
    begins = tuple(np.append(one.start, at)[order] for one, at in zip(old, (ends - widths).T, strict=True))
    stops = tuple(np.append(one.end, at)[order] for one, at in zip(old, ends.T, strict=True))
    cells = Cells(line[order] - 1, part.cells.odd, begins[0], stops, begins)
    return replace(part, padded=padded, cells=cells, before=0, line=line[order])


def trimmed_field(part: Part, field: int) -> tuple[Places, Places]:
    """Return where one field's cells stand, spaces around them gone."""
    column = part.column(field)
    return trimmed(part.padded, column.start, column.end)
