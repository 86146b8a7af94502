"""Where the cells of all rows of samples stand; rows that are not cut like the others are cut exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from drivers._cells import Cells, by_delimiter, by_spaces, by_width
from drivers._lines import PAD
from drivers._numbers import trimmed
from drivers.profile.headings import cut
from ingestor.driver import Severity

if TYPE_CHECKING:
    import numpy.typing as npt

    from drivers._lines import Lines
    from drivers.profile.raw import Heading, Raw, SampleLines
    from drivers.profile.spec import Layout

    Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Rows of samples under one heading: places of their cells, shape (fields, rows), and line numbers."""

    heading: Heading
    padded: npt.NDArray[np.uint8]
    start: Places
    end: Places
    line: Places
    codec: str

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.line)

    def text(self, field: int, row: int) -> str:
        """Return one cell."""
        return (
            self.padded[self.start[field, row] : self.end[field, row]].tobytes().decode(self.codec, "replace")
        )

    def only(self, rows: npt.NDArray[np.bool_]) -> Part:
        """Return the part with some of its rows."""
        return replace(self, start=self.start[:, rows], end=self.end[:, rows], line=self.line[rows])


def parts_of(raw: Raw) -> list[Part]:
    """Return the rows of samples, one part a heading; rows that cannot be cut are ignored with a finding."""
    groups: dict[tuple[int, str, tuple[str, ...]], list[SampleLines]] = {}
    for one in raw.samples:
        groups.setdefault((id(one.lines), one.heading.block.name, one.heading.printed), []).append(one)
    return [_part(raw, group) for group in groups.values()]


def _part(raw: Raw, group: list[SampleLines]) -> Part:
    lines, heading = group[0].lines, group[0].heading
    rows = group[0].rows if len(group) == 1 else np.concatenate([one.rows for one in group])
    cells, before = _cells(raw.layout, lines, rows, heading)
    start, end = cells.start[before:], cells.end[before:]
    fields = len(heading.fields)
    part = Part(heading, lines.padded, start[:fields], end[:fields], cells.rows + 1, lines.codec)
    if len(start) > fields:
        filled = (end[fields] > start[fields]) | (lines.padded[start[fields]] == ord(" "))
        cells = replace(cells, odd=np.sort(np.append(cells.odd, cells.rows[filled])))
        part = part.only(~filled)
    return _with_odd(raw, part, lines, cells.odd) if len(cells.odd) else part


def _cells(layout: Layout, lines: Lines, rows: Places, heading: Heading) -> tuple[Cells, int]:
    """Return the cells and how many fields stand before the first that the heading names."""
    fields, tagged = len(heading.fields), bool(heading.block.tag)
    if heading.block.widths:
        return by_width(lines, rows, heading.block.widths), 0
    if layout.delimiter == "spaces":
        return by_spaces(lines, rows, fields + tagged), int(tagged)
    before = layout.tag_field if tagged else 0
    delimiter = ord(layout.delimiter or "\n")
    quote = ord(layout.quote) if layout.quote else None
    cells = by_delimiter(lines, rows, delimiter, fields + before, quote)
    if not len(cells.rows) and len(rows):
        trailing = by_delimiter(lines, rows, delimiter, fields + before + 1, quote)
        cells = trailing if len(trailing.rows) else cells
    return cells, before


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
                "row_unreadable", index + 1, Severity.ERROR, about="samples",
                expected=str(len(part.heading.fields)), got=str(len(cut(text, raw.layout) or ())),
            )  # fmt: skip
            raw.notes.ignore("unreadable")
        else:
            clean.append(cells)
            kept.append(index + 1)
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
    encoded = [[cell.encode(part.codec, "replace") for cell in cells] for cells in clean]
    tail = b"".join(cell for cells in encoded for cell in cells)
    base = len(part.padded) - PAD
    padded = np.concatenate((part.padded[:base], np.frombuffer(tail, np.uint8), np.zeros(PAD, np.uint8)))
    widths = np.array([[len(cell) for cell in cells] for cells in encoded], np.int64)
    end = base + np.cumsum(widths).reshape(widths.shape)
    start = end - widths
    line = np.concatenate((part.line, lines))
    order = np.argsort(line, kind="stable")
    return replace(
        part,
        padded=padded,
        start=np.concatenate((part.start, start.T), axis=1)[:, order],
        end=np.concatenate((part.end, end.T), axis=1)[:, order],
        line=line[order],
    )


def trimmed_field(part: Part, field: int) -> tuple[Places, Places]:
    """Return where one field's cells stand, spaces around them gone."""
    return trimmed(part.padded, part.start[field], part.end[field])
